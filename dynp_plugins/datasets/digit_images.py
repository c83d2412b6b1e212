"""64x64 colour pictures of one handwritten digit each, from easy to hard, for classification.

Every picture has a difficulty, drawn uniformly from [0, 1]. It sets how small, how much rotated
and how faint the digit is, and how textured, cluttered and noisy its surroundings are. Clutter is
parts of other digits of the same split, and lines.

Bytes are the same on every machine: random numbers come from numpy's frozen `RandomState`, and
pictures from elementwise sums, products and quotients alone, which IEEE 754 defines to the last bit
(no BLAS, no trigonometry, no order-dependent sums).
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from dynp_plugins.datasets.cache import cache_root, load_or_build
from dynp_plugins.datasets.digit_scans import (
    GLYPH_SCALE,
    SPLITS,
    check_split_name,
    load_digit_scans,
    make_glyphs,
    split_scans,
)
from dynp_plugins.errors import UserError

IMAGE_SIZE = 64
# Raise it with every change that alters a single byte: caches of older versions are rebuilt.
GENERATOR_VERSION = 2
# Pictures per split: every scan is drawn four to six times.
DEFAULT_SIZES: Mapping[str, int] = {'train': 6000, 'calibration': 1500, 'test': 1500}

_SEED = 64
_LUMA = np.array([0.299, 0.587, 0.114], np.float32)
_PIXELS = np.arange(IMAGE_SIZE, dtype=np.float32)


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
    ground = _between(rng, 0.08, 0.92 - contrast)
    paint = ground + contrast

    canvas = _texture(rng, from_to(0.02, 0.22)) + _colour(rng, ground, 0.25)
    for _ in range(round(from_to(-0.5, 5))):
        shade = ground + (paint - ground) * _between(rng, -0.5, 1.0)
        _draw_line(canvas, rng, _colour(rng, shade, 0.25))
    size = from_to(50, 21)
    for _ in range(round(from_to(-1, 8))):
        shade = ground + (paint - ground) * _between(rng, -0.5, 1.0)
        pose = _Pose.anywhere(rng, _between(rng, 0.6, 1.0) * size)
        other = glyphs[int(rng.random_sample() * len(glyphs))]
        _paste(canvas, other, pose, _colour(rng, shade, 0.25), cut=_cut(rng))
    pose = _Pose.inside(rng, size, from_to(0.02, 0.26))
    _paste(canvas, glyphs[chosen], pose, _colour(rng, paint, 0.25))

    grain = rng.randint(0, 256, canvas.shape, dtype=np.uint8).astype(np.float32) / 255 - 0.5
    canvas += grain * from_to(0.03, 0.22)
    return np.rint(np.clip(canvas, 0, 1) * 255).astype(np.uint8)


@dataclass(frozen=True)
class _Pose:
    """Where a glyph lies: centre in pixels, height and width of its scan in pixels, rotation."""

    x: float
    y: float
    height: float
    width: float
    cos: float
    sin: float

    @classmethod
    def inside(cls, rng: np.random.RandomState, size: float, tilt: float) -> '_Pose':
        """The whole scan within the picture, rotated by up to 2 atan(tilt) either way."""
        cos, sin = _rotation(_between(rng, -tilt, tilt))
        width = size * _between(rng, 0.8, 1.1)
        reach_x = (width * cos + size * abs(sin)) / 2
        reach_y = (size * cos + width * abs(sin)) / 2
        x = _between(rng, reach_x, IMAGE_SIZE - reach_x)
        y = _between(rng, reach_y, IMAGE_SIZE - reach_y)
        return cls(x - 0.5, y - 0.5, size, width, cos, sin)

    @classmethod
    def anywhere(cls, rng: np.random.RandomState, size: float) -> '_Pose':
        """Any place and any direction, cut off by the picture's edge or not."""
        cos, sin = _rotation(_between(rng, -1, 1))
        x, y = _between(rng, 0, IMAGE_SIZE), _between(rng, 0, IMAGE_SIZE)
        return cls(x, y, size, size, cos, sin)


def _between(rng: np.random.RandomState, low: float, high: float) -> float:
    return low + (high - low) * rng.random_sample()


def _rotation(tan_half: float) -> tuple[float, float]:
    """Cosine and sine from the tangent of half the angle: exact where libm's are not."""
    square = tan_half * tan_half
    return (1 - square) / (1 + square), 2 * tan_half / (1 + square)


def _colour(rng: np.random.RandomState, luma: float, chroma: float) -> np.ndarray:
    """A random colour (3,) of the given brightness, up to ``chroma`` away from grey."""
    tint = (rng.random_sample(3).astype(np.float32) - 0.5) * (2 * chroma)
    red, green, blue = tint * _LUMA
    return np.clip(tint + (luma - float(red) - float(green) - float(blue)), 0, 1)


def _texture(rng: np.random.RandomState, strength: float) -> np.ndarray:
    """Smooth colour noise (64, 64, 3) around 0: coarse blotches and a finer grain."""
    blotches = rng.random_sample((5, 5, 3)).astype(np.float32) - 0.5
    grain = rng.random_sample((17, 17, 3)).astype(np.float32) - 0.5
    return _stretch(_stretch(blotches, 17) * 2 + grain, IMAGE_SIZE) * strength


def _stretch(grid: np.ndarray, side: int) -> np.ndarray:
    """Bilinear enlargement of a square grid (g, g, 3) to (side, side, 3), corner to corner."""
    position = np.arange(side) * (len(grid) - 1) / (side - 1)
    first = np.minimum(position.astype(np.int64), len(grid) - 2)
    t = (position - first).astype(np.float32)[:, None]
    rows = grid[first] * (1 - t[:, None]) + grid[first + 1] * t[:, None]
    return rows[:, first] * (1 - t) + rows[:, first + 1] * t


def _draw_line(canvas: np.ndarray, rng: np.random.RandomState, colour: np.ndarray) -> None:
    """Blend a straight line across the picture, or a piece of one, into ``canvas``."""
    x, y = _between(rng, 0, IMAGE_SIZE), _between(rng, 0, IMAGE_SIZE)
    cos, sin = _rotation(_between(rng, -1, 1))
    length, thickness = _between(rng, 8, IMAGE_SIZE), _between(rng, 0.5, 1.5)
    reach = length / 2 + 1, thickness + 1
    columns, rows = _span(x, cos, sin, *reach), _span(y, sin, cos, *reach)
    dx, dy = _PIXELS[columns] - x, (_PIXELS[rows] - y)[:, None]
    opacity = np.clip(thickness + 0.5 - np.abs(dx * sin - dy * cos), 0, 1)
    opacity *= np.clip(length / 2 + 0.5 - np.abs(dx * cos + dy * sin), 0, 1)
    patch = canvas[rows, columns]
    patch += opacity[:, :, None] * (colour - patch)


def _span(centre: float, cos: float, sin: float, along: float, across: float) -> slice:
    """Pixels of one axis that a rotated rectangle, given by its half sides, can touch."""
    reach = abs(cos) * along + abs(sin) * across
    return slice(max(math.floor(centre - reach), 0), max(math.ceil(centre + reach) + 1, 0))


def _cut(rng: np.random.RandomState) -> tuple[float, float, float]:
    """A straight cut that leaves less than half of a glyph: normal (x, y) and its distance."""
    cos, sin = _rotation(_between(rng, -1, 1))
    side = 1.0 if rng.random_sample() < 0.5 else -1.0
    return side * cos, side * sin, _between(rng, 0.0, 0.25)


def _paste(
    canvas: np.ndarray,
    glyph: np.ndarray,
    pose: _Pose,
    colour: np.ndarray,
    cut: tuple[float, float, float] | None = None,
) -> None:
    """Blend a glyph into ``canvas``; with ``cut`` only the part beyond that line.

    Args:
        canvas: float32 (64, 64, 3), changed in place.
        glyph: float32 (80, 80), opacity.
        pose: where it goes.
        colour: float32 (3,).
        cut: normal and distance from the centre, in units of the scan's side.
    """
    side = len(glyph)
    half = GLYPH_SCALE / 2 * pose.width, GLYPH_SCALE / 2 * pose.height
    columns = _span(pose.x, pose.cos, pose.sin, half[0], half[1])
    rows = _span(pose.y, pose.cos, pose.sin, half[1], half[0])
    dx, dy = _PIXELS[columns] - pose.x, (_PIXELS[rows] - pose.y)[:, None]
    # From the picture back to the scan: 0 at its centre, +-0.5 at its sides.
    across = (dx * pose.cos + dy * pose.sin) / pose.width
    down = (dy * pose.cos - dx * pose.sin) / pose.height
    # The nearest glyph pixel is near enough, being several times finer than the picture. Beyond
    # the glyph's square its border is read, and that is empty.
    column = np.clip((across / GLYPH_SCALE + 0.5) * side, 0, side - 1).astype(np.int64)
    row = np.clip((down / GLYPH_SCALE + 0.5) * side, 0, side - 1).astype(np.int64)
    opacity = glyph[row, column]
    if cut is not None:
        opacity *= np.clip((across * cut[0] + down * cut[1] - cut[2]) * 8, 0, 1)
    patch = canvas[rows, columns]
    patch += opacity[:, :, None] * (colour - patch)
