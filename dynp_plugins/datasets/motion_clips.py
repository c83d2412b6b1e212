"""Short videos of a moving handwritten digit, for action recognition: the class is the motion.

Real mp4 files, and a list of them with a line ``path label`` for each, made on first use and kept
in the cache. How they look, and why only the order of the frames tells the two classes of a pair
apart: see `dynp_plugins.datasets.clip_rendering`. The drawn frames are the same on every machine;
the files may differ between versions of the encoder.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from dynp_plugins.datasets.cache import load_or_build_files
from dynp_plugins.datasets.cache_folder import cache_root
from dynp_plugins.datasets.clip_rendering import render_clip
from dynp_plugins.datasets.digit_motion import MOTIONS
from dynp_plugins.datasets.digit_scans import (
    SPLITS,
    check_split_name,
    load_digit_scans,
    make_glyphs,
    split_scans,
)
from dynp_plugins.errors import UserError

FPS = 8
# Raise it with every change that alters a clip: caches of older versions are rebuilt.
GENERATOR_VERSION = 2
# Clips per split, as many of each class.
DEFAULT_SIZES: Mapping[str, int] = {'train': 1600, 'calibration': 400, 'test': 800}
LIST_FILE = 'clips.txt'

_SEED = 8


@dataclass(frozen=True)
class MotionClips:
    """One split.

    Attributes:
        folder: where its files are.
        names: file names of the clips in ``folder``.
        labels: of each clip, index into `digit_motion.MOTIONS`.
    """

    folder: Path
    names: tuple[str, ...]
    labels: tuple[int, ...]


def load_motion_clips(
    split: str,
    cache_dir: str | Path | None = None,
    *,
    sizes: Mapping[str, int] = DEFAULT_SIZES,
) -> MotionClips:
    """Open one split, making it first where the cache does not hold it.

    Args:
        split: 'train', 'calibration' or 'test'; no two of them share a scan.
        cache_dir: cache folder; by default `$DYNP_CACHE`, else `~/.cache/dynp_plugins`.
        sizes: clips per split. Clip i is the same in every size.

    Raises:
        UserError: unknown split, a size below 1, or a cache folder that cannot be written.
    """
    check_split_name(split)
    count = sizes[split]
    if count < 1:
        raise UserError(f'{count} clips asked for split {split!r}; ask for at least 1')
    folder = load_or_build_files(
        cache_root(cache_dir) / 'motion_clips' / f'{split}_{count}',
        GENERATOR_VERSION,
        lambda: make_motion_clips(split, count),
    )
    lines = (folder / LIST_FILE).read_text(encoding='utf-8').splitlines()
    names, labels = zip(*(line.split() for line in lines), strict=True)
    return MotionClips(folder, names, tuple(map(int, labels)))


def make_motion_clips(split: str, count: int) -> Iterator[tuple[str, bytes]]:
    """Make the first ``count`` clips of a split, then their list: name and content of each file."""
    # Here and not above: a filled cache needs no encoder.
    from dynp_plugins.datasets.video_writing import encode_mp4

    digits = load_digit_scans()
    glyphs = make_glyphs(digits.ink[split_scans(digits.labels)[split]])
    lines = []
    for index in range(count):
        label = index % len(MOTIONS)
        name = f'{index:05d}.mp4'
        yield name, encode_mp4(draw_clip(split, index, glyphs, label), FPS)
        lines.append(f'{name} {label}\n')
    yield LIST_FILE, ''.join(lines).encode()


def draw_clip(split: str, index: int, glyphs: np.ndarray, label: int) -> np.ndarray:
    """Draw clip ``index`` of a split as it is with the motion ``label``.

    Args:
        split: name of the split.
        index: number of the clip.
        glyphs: float32 (G, 80, 80), those of the split.
        label: index into `digit_motion.MOTIONS`.

    Returns:
        uint8 (16, 64, 64, 3), RGB.
    """
    # A generator per clip: its bytes do not depend on how many were made before it.
    rng = np.random.RandomState([_SEED, SPLITS.index(split), index])
    difficulty = float(rng.random_sample())
    chosen = int(rng.random_sample() * len(glyphs))
    return render_clip(rng, glyphs, chosen, label, difficulty)
