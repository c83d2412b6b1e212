"""64x64 colour pictures of one handwritten digit each, from easy to hard, for classification.

Every picture has a difficulty, drawn uniformly from [0, 1]. It sets how small, how much rotated
and how faint the digit is, and how textured, cluttered and noisy its surroundings are. Clutter is
parts of other digits of the same split, and lines.

Bytes are the same on every machine, see `dynp_plugins.datasets.drawing`.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from dynp_plugins.datasets.cache import load_or_build
from dynp_plugins.datasets.cache_folder import cache_root
from dynp_plugins.datasets.digit_scans import (
    SPLITS,
    check_split_name,
    load_digit_scans,
    make_glyphs,
    split_scans,
)
from dynp_plugins.datasets.drawing import (
    Pose,
    between,
    cut_line,
    draw_line,
    paste,
    random_colour,
    texture,
)
from dynp_plugins.errors import UserError

IMAGE_SIZE = 64
# Raise it with every change that alters a single byte: caches of older versions are rebuilt.
GENERATOR_VERSION = 2
# Pictures per split: every scan is drawn four to six times.
DEFAULT_SIZES: Mapping[str, int] = {'train': 6000, 'calibration': 1500, 'test': 1500}

_SEED = 64


@dataclass(frozen=True, eq=False)
class DigitImages:
    """One split, its arrays read-only and mapped from the cache, so that processes share them.

    Attributes:
        images: uint8 (N, 64, 64, 3), RGB.
        labels: int64 (N,), the digit, 0 to 9.
        scans: int64 (N,), index of the original scan in scikit-learn's order.
        difficulty: float32 (N,), 0 (easiest) to 1.
    """

    images: np.ndarray
    labels: np.ndarray
    scans: np.ndarray
    difficulty: np.ndarray


def load_digit_images(
    split: str,
    cache_dir: str | Path | None = None,
    *,
    sizes: Mapping[str, int] = DEFAULT_SIZES,
) -> DigitImages:
    """Open one split, making it first where the cache does not hold it.

    Args:
        split: 'train', 'calibration' or 'test'; no two of them share a scan.
        cache_dir: cache folder; by default `$DYNP_CACHE`, else `~/.cache/dynp_plugins`.
        sizes: pictures per split. Picture i is the same in every size.

    Raises:
        UserError: unknown split, a size below 1, or a cache folder that cannot be written.
    """
    check_split_name(split)
    count = sizes[split]
    if count < 1:
        raise UserError(f'{count} pictures asked for split {split!r}; ask for at least 1')
    arrays = load_or_build(
        cache_root(cache_dir) / 'digit_images' / f'{split}_{count}',
        GENERATOR_VERSION,
        lambda: make_digit_images(split, count),
    )
    return DigitImages(**arrays)


def make_digit_images(split: str, count: int) -> dict[str, np.ndarray]:
    """Render the first ``count`` pictures of a split; the keys are `DigitImages`' attributes."""
    digits = load_digit_scans()
    members = split_scans(digits.labels)[split]
    glyphs = make_glyphs(digits.ink[members])
    images = np.empty((count, IMAGE_SIZE, IMAGE_SIZE, 3), np.uint8)
    difficulty = np.empty(count, np.float32)
    for index in range(count):
        # A generator per picture: its bytes do not depend on how many were made before it.
        rng = np.random.RandomState([_SEED, SPLITS.index(split), index])
        difficulty[index] = rng.random_sample()
        images[index] = render(rng, glyphs, index % len(glyphs), float(difficulty[index]))
    scans = members[np.arange(count) % len(members)]
    return {
        'images': images,
        'labels': digits.labels[scans],
        'scans': scans,
        'difficulty': difficulty,
    }


def render(
    rng: np.random.RandomState, glyphs: np.ndarray, chosen: int, difficulty: float
) -> np.ndarray:
    """Draw glyph ``chosen`` once, on surroundings of its own.

    Args:
        rng: source of everything random.
        glyphs: float32 (G, 80, 80), of one split only.
        chosen: which of them the picture shows.
        difficulty: 0 to 1.

    Returns:
        uint8 (64, 64, 3), RGB.
    """

    def from_to(easy: float, hard: float) -> float:
        # Each property follows the difficulty with some play, so that none gives it away.
        amount = min(max(difficulty + 0.2 * (rng.random_sample() - 0.5), 0.0), 1.0)
        return easy + (hard - easy) * amount

    contrast = from_to(0.75, 0.22)
    # The digit is always the brighter one. With either at random, no pixel is brighter on average
    # where a digit is, and networks see nothing to learn for the first hundreds of steps.
    ground = between(rng, 0.08, 0.92 - contrast)
    paint = ground + contrast

    canvas = texture(rng, from_to(0.02, 0.22), IMAGE_SIZE) + random_colour(rng, ground, 0.25)
    for _ in range(round(from_to(-0.5, 5))):
        shade = ground + (paint - ground) * between(rng, -0.5, 1.0)
        draw_line(canvas, rng, random_colour(rng, shade, 0.25))
    size = from_to(50, 21)
    for _ in range(round(from_to(-1, 8))):
        shade = ground + (paint - ground) * between(rng, -0.5, 1.0)
        pose = Pose.anywhere(rng, between(rng, 0.6, 1.0) * size, IMAGE_SIZE)
        other = glyphs[int(rng.random_sample() * len(glyphs))]
        paste(canvas, other, pose, random_colour(rng, shade, 0.25), cut=cut_line(rng))
    pose = Pose.inside(rng, size, from_to(0.02, 0.26), IMAGE_SIZE)
    paste(canvas, glyphs[chosen], pose, random_colour(rng, paint, 0.25))

    grain = rng.randint(0, 256, canvas.shape, dtype=np.uint8).astype(np.float32) / 255 - 0.5
    canvas += grain * from_to(0.03, 0.22)
    return np.rint(np.clip(canvas, 0, 1) * 255).astype(np.uint8)
