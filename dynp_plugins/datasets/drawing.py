"""Drawing glyphs, lines and smooth texture on square colour canvases, the same on every machine.

Random numbers come from numpy's frozen `RandomState`, and pictures from elementwise sums, products,
quotients and roots alone, which IEEE 754 defines to the last bit (no BLAS, no trigonometry, no
order-dependent sums). A canvas is float32 (side, side, 3), RGB, 0 to 1.
"""

import math
from dataclasses import dataclass

import numpy as np

from dynp_plugins.datasets.digit_scans import GLYPH_SCALE

_LUMA = np.array([0.299, 0.587, 0.114], np.float32)


@dataclass(frozen=True)
class Pose:
    """Where a glyph lies: centre in pixels, height and width of its scan in pixels, rotation."""

    x: float
    y: float
    height: float
    width: float
    cos: float
    sin: float

    @classmethod
    def inside(cls, rng: np.random.RandomState, size: float, tilt: float, side: int) -> 'Pose':
        """The whole scan within the canvas, rotated by up to 2 atan(tilt) either way."""
        cos, sin = rotation(between(rng, -tilt, tilt))
        width = size * between(rng, 0.8, 1.1)
        reach_x = (width * cos + size * abs(sin)) / 2
        reach_y = (size * cos + width * abs(sin)) / 2
        x = between(rng, reach_x, side - reach_x)
        y = between(rng, reach_y, side - reach_y)
        return cls(x - 0.5, y - 0.5, size, width, cos, sin)

    @classmethod
    def anywhere(cls, rng: np.random.RandomState, size: float, side: int) -> 'Pose':
        """Any place and any direction, cut off by the canvas's edge or not."""
        cos, sin = rotation(between(rng, -1, 1))
        x, y = between(rng, 0, side), between(rng, 0, side)
        return cls(x, y, size, size, cos, sin)


def between(rng: np.random.RandomState, low: float, high: float) -> float:
    return low + (high - low) * rng.random_sample()


def rotation(tan_half: float) -> tuple[float, float]:
    """Cosine and sine from the tangent of half the angle: exact where libm's are not."""
    square = tan_half * tan_half
    return (1 - square) / (1 + square), 2 * tan_half / (1 + square)


def random_colour(rng: np.random.RandomState, luma: float, chroma: float) -> np.ndarray:
    """A random colour (3,) of the given brightness, up to ``chroma`` away from grey."""
    tint = (rng.random_sample(3).astype(np.float32) - 0.5) * (2 * chroma)
    red, green, blue = tint * _LUMA
    return np.clip(tint + (luma - float(red) - float(green) - float(blue)), 0, 1)


def texture(rng: np.random.RandomState, strength: float, side: int) -> np.ndarray:
    """Smooth colour noise (side, side, 3) around 0: coarse blotches and a finer grain."""
    blotches = rng.random_sample((5, 5, 3)).astype(np.float32) - 0.5
    grain = rng.random_sample((17, 17, 3)).astype(np.float32) - 0.5
    return _stretch(_stretch(blotches, 17) * 2 + grain, side) * strength


def _stretch(grid: np.ndarray, side: int) -> np.ndarray:
    """Bilinear enlargement of a square grid (g, g, 3) to (side, side, 3), corner to corner."""
    position = np.arange(side) * (len(grid) - 1) / (side - 1)
    first = np.minimum(position.astype(np.int64), len(grid) - 2)
    t = (position - first).astype(np.float32)[:, None]
    rows = grid[first] * (1 - t[:, None]) + grid[first + 1] * t[:, None]
    return rows[:, first] * (1 - t) + rows[:, first + 1] * t


def draw_line(canvas: np.ndarray, rng: np.random.RandomState, colour: np.ndarray) -> None:
    """Blend a straight line across the canvas, or a piece of one, into ``canvas``."""
    side = len(canvas)
    x, y = between(rng, 0, side), between(rng, 0, side)
    direction = rotation(between(rng, -1, 1))
    length, thickness = between(rng, 8, side), between(rng, 0.5, 1.5)
    stroke(canvas, (x, y), direction, length, thickness, colour)


def stroke(
    canvas: np.ndarray,
    centre: tuple[float, float],
    direction: tuple[float, float],
    length: float,
    thickness: float,
    colour: np.ndarray,
) -> None:
    """Blend a piece of a straight line into ``canvas``.

    Args:
        canvas: float32 (side, side, 3), changed in place.
        centre: (x, y) in pixels.
        direction: cosine and sine of its angle.
        length: in pixels.
        thickness: half of it, in pixels.
        colour: float32 (3,).
    """
    (x, y), (cos, sin), side = centre, direction, len(canvas)
    reach = length / 2 + 1, thickness + 1
    columns, rows = _span(x, cos, sin, *reach), _span(y, sin, cos, *reach)
    dx, dy = _distances(side, columns, x), _distances(side, rows, y)[:, None]
    opacity = np.clip(thickness + 0.5 - np.abs(dx * sin - dy * cos), 0, 1)
    opacity *= np.clip(length / 2 + 0.5 - np.abs(dx * cos + dy * sin), 0, 1)
    _blend(canvas[rows, columns], opacity, colour)


def ring(
    canvas: np.ndarray,
    centre: tuple[float, float],
    radius: float,
    thickness: float,
    colour: np.ndarray,
) -> None:
    """Blend a circle into ``canvas``; arguments as of `stroke`."""
    side, everything = len(canvas), slice(None)
    dx = _distances(side, everything, centre[0])
    dy = _distances(side, everything, centre[1])[:, None]
    opacity = np.clip(thickness + 0.5 - np.abs(np.sqrt(dx * dx + dy * dy) - radius), 0, 1)
    _blend(canvas, opacity, colour)


def _blend(patch: np.ndarray, opacity: np.ndarray, colour: np.ndarray) -> None:
    patch += opacity[:, :, None] * (colour - patch)


def _span(centre: float, cos: float, sin: float, along: float, across: float) -> slice:
    """Pixels of one axis that a rotated rectangle, given by its half sides, can touch."""
    reach = abs(cos) * along + abs(sin) * across
    return slice(max(math.floor(centre - reach), 0), max(math.ceil(centre + reach) + 1, 0))


def _distances(side: int, pixels: slice, centre: float) -> np.ndarray:
    return np.arange(side, dtype=np.float32)[pixels] - centre


def cut_line(rng: np.random.RandomState) -> tuple[float, float, float]:
    """A straight cut that leaves less than half of a glyph: normal (x, y) and its distance."""
    cos, sin = rotation(between(rng, -1, 1))
    side = 1.0 if rng.random_sample() < 0.5 else -1.0
    return side * cos, side * sin, between(rng, 0.0, 0.25)


def paste(
    canvas: np.ndarray,
    glyph: np.ndarray,
    pose: Pose,
    colour: np.ndarray,
    cut: tuple[float, float, float] | None = None,
) -> None:
    """Blend a glyph into ``canvas``; with ``cut`` only the part beyond that line.

    Args:
        canvas: float32 (side, side, 3), changed in place.
        glyph: float32 (80, 80), opacity.
        pose: where it goes.
        colour: float32 (3,).
        cut: normal and distance from the centre, in units of the scan's side.
    """
    side = len(glyph)
    half = GLYPH_SCALE / 2 * pose.width, GLYPH_SCALE / 2 * pose.height
    columns = _span(pose.x, pose.cos, pose.sin, half[0], half[1])
    rows = _span(pose.y, pose.cos, pose.sin, half[1], half[0])
    dx = _distances(len(canvas), columns, pose.x)
    dy = _distances(len(canvas), rows, pose.y)[:, None]
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
    _blend(canvas[rows, columns], opacity, colour)
