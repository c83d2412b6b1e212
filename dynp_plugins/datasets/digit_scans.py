"""The 1,797 handwritten digits that scikit-learn ships: three disjoint sets, glyphs to draw.

The scans are the test part of the UCI "Optical Recognition of Handwritten Digits" data (Alpaydin
and Kaynak, 1998): 8x8 pixels, each the number of inked pixels in a 4x4 block of the original
bitmap. scikit-learn keeps no record of who wrote which digit, so the sets share no scan but may
share a writer's hand.
"""

from dataclasses import dataclass

import numpy as np

from dynp_plugins.errors import UserError

SPLITS = ('train', 'calibration', 'test')
NUM_CLASSES = 10
SCAN_SIZE = 8
MAX_INK = 16

_UPSAMPLING = 8  # glyph pixels per scan pixel
_MARGIN = 1  # empty scan pixels around a glyph, so that it fades out inside its own square
GLYPH_SCALE = (SCAN_SIZE + 2 * _MARGIN) / SCAN_SIZE
"""Side of a glyph's square in sides of its scan."""

# Changing it, or the rule below, moves scans between the splits: raise the generator version of
# everything that is made from them.
_SPLIT_SEED = 20240229


@dataclass(frozen=True, eq=False)
class DigitScans:
    """All scans, in scikit-learn's order.

    Attributes:
        ink: uint8 (1797, 8, 8), 0 (paper) to `MAX_INK`.
        labels: int64 (1797,), the digit written, 0 to 9.
    """

    ink: np.ndarray
    labels: np.ndarray


def load_digit_scans() -> DigitScans:
    """Read the scans from the installed scikit-learn; nothing is downloaded."""
    # Here and not above: it takes about a second, and a filled cache never needs it.
    from sklearn.datasets import load_digits

    digits = load_digits()
    return DigitScans(digits.images.astype(np.uint8), digits.target.astype(np.int64))


def check_split_name(split: str) -> None:
    """Refuse anything that is not one of `SPLITS`.

    Raises:
        UserError: names the value and the three possible ones.
    """
    if split not in SPLITS:
        raise UserError(f'unknown split {split!r} of the digits; use one of {", ".join(SPLITS)}')


def split_scans(labels: np.ndarray) -> dict[str, np.ndarray]:
    """Split the scans of every class about 60/20/20; always the same way.

    Args:
        labels: int64 (N,), the digit of every scan.

    Returns:
        For each name in `SPLITS` the ascending int64 indices of its scans. The sets are disjoint
        and cover all N; in each class calibration and test hold a fifth (rounded down), train
        the rest.
    """
    # Sorting drawn numbers needs nothing but RandomState's frozen stream of doubles, which is the
    # same for every numpy version and platform.
    order = np.argsort(np.random.RandomState(_SPLIT_SEED).random_sample(len(labels)))
    parts: dict[str, list[np.ndarray]] = {split: [] for split in SPLITS}
    for digit in range(NUM_CLASSES):
        members = order[labels[order] == digit]
        fifth = len(members) // 5
        parts['calibration'].append(members[:fifth])
        parts['test'].append(members[fifth : 2 * fifth])
        parts['train'].append(members[2 * fifth :])
    return {split: np.sort(np.concatenate(parts[split])).astype(np.int64) for split in SPLITS}


def make_glyphs(ink: np.ndarray) -> np.ndarray:
    """Enlarge scans to smooth glyphs with clear edges.

    Args:
        ink: uint8 (N, 8, 8), 0 to `MAX_INK`.

    Returns:
        float32 (N, 80, 80) opacity in [0, 1], 0 along the border.
    """
    side = (SCAN_SIZE + 2 * _MARGIN) * _UPSAMPLING
    position = (np.arange(side) + 0.5) / _UPSAMPLING - 0.5
    first = np.floor(position).astype(np.int64)
    t = (position - first).astype(np.float32)
    # Catmull-Rom cubic through the four nearest scan pixels, rows first, then columns.
    taps = (
        ((2 - t) * t - 1) * t / 2,
        ((3 * t - 5) * t * t + 2) / 2,
        ((4 - 3 * t) * t + 1) * t / 2,
        (t - 1) * t * t / 2,
    )
    pad = _MARGIN + 2
    glyphs = np.pad(ink.astype(np.float32) / MAX_INK, ((0, 0), (pad, pad), (pad, pad)))
    start = first + 1  # padded index of the leftmost of the four
    glyphs = sum(glyphs[:, start + k] * tap[:, None] for k, tap in enumerate(taps))
    glyphs = sum(glyphs[:, :, start + k] * tap for k, tap in enumerate(taps))
    edge = np.clip((glyphs - 0.2) / 0.5, 0, 1)
    return edge * edge * (3 - 2 * edge)
