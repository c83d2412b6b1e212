"""Drawing scenes of several handwritten digits of different sizes, partly hidden, over clutter.

What is drawn later covers what was drawn before: digits cover each other, and strokes and pieces of
other digits lie behind and before them. A digit's box is the extent of its ink as if nothing lay
before it, cut at the edge of the picture; of every digit at least half of the ink is seen.

Bytes are the same on every machine, see `dynp_plugins.datasets.drawing`; ink is counted in whole
pixels, because the sum of fractions depends on its order.
"""

from dataclasses import dataclass, field

import numpy as np

from dynp_plugins.datasets.drawing import (
    Pose,
    between,
    cut_line,
    draw_line,
    paste,
    random_colour,
    rotation,
    texture,
)

LONG_SIDE, MIN_SHORT_SIDE = 128, 72
MIN_HEIGHT, MAX_HEIGHT = 16, 64  # of a digit's scan
MAX_DIGITS = 6
MIN_VISIBLE = 0.5

_MARGIN = 16  # of the canvas around the picture: digits that the edge cuts reach into it
_SIDE = LONG_SIDE + 2 * _MARGIN
_ATTEMPTS = 8  # to place a digit so that enough is seen of it and of the others
_MIN_INSIDE, _MIN_BEHIND = 0.75, 0.6  # of a digit's ink, at the edge and behind other digits
_INK = 0.5  # opacity from which a pixel counts as ink
_FULL = np.ones(1, np.float32)  # the colour of a layer


@dataclass(frozen=True)
class SceneDigit:
    """One digit of a scene.

    Attributes:
        glyph: index of the glyph drawn.
        box: (x, y, width, height) in whole pixels, inside the picture.
        visible: share of its ink that is neither covered nor cut off, `MIN_VISIBLE` to 1.
    """

    glyph: int
    box: tuple[int, int, int, int]
    visible: float


def render_scene(
    rng: np.random.RandomState, glyphs: np.ndarray, difficulty: float
) -> tuple[np.ndarray, list[SceneDigit]]:
    """Draw one scene.

    Args:
        rng: source of everything random.
        glyphs: float32 (G, 80, 80), of one split only.
        difficulty: 0 to 1. It sets how faint and how tilted the digits are, how much lies before
            them, and how textured, cluttered and noisy their surroundings are.

    Returns:
        The picture, uint8 (H, W, 3), RGB, upright or lying, its long side 128 and its short one 72
        to 128 pixels; and its digits from the back to the front, 1 to 6.
    """
    short = MIN_SHORT_SIDE + int((LONG_SIDE - MIN_SHORT_SIDE + 1) * rng.random_sample())
    lies = rng.random_sample() < 0.5
    height, width = (short, LONG_SIDE) if lies else (LONG_SIDE, short)
    scene = _Scene(rng, glyphs, difficulty, height, width)
    scene.draw_background()
    for _ in range(1 + int(MAX_DIGITS * rng.random_sample())):
        scene.add_digit()
    scene.add_foreground()
    return scene.finish(), [digit.found(height, width) for digit in scene.digits]


@dataclass(eq=False)
class _Digit:
    """A digit on the canvas: ``ink`` and what is seen of it, bool (side, side)."""

    glyph: int
    ink: np.ndarray
    seen: np.ndarray

    def share(self, seen: np.ndarray) -> float:
        return int(np.count_nonzero(seen)) / int(np.count_nonzero(self.ink))

    def found(self, height: int, width: int) -> SceneDigit:
        ink = _picture(self.ink, height, width)
        (rows,), (columns,) = np.nonzero(ink.any(1)), np.nonzero(ink.any(0))
        x, y = int(columns[0]), int(rows[0])
        box = x, y, int(columns[-1]) + 1 - x, int(rows[-1]) + 1 - y
        return SceneDigit(self.glyph, box, self.share(self.seen))


@dataclass(eq=False)
class _Scene:
    """A canvas larger than the picture, and the digits on it."""

    rng: np.random.RandomState
    glyphs: np.ndarray
    difficulty: float
    height: int
    width: int
    digits: list[_Digit] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.contrast = self.from_to(0.75, 0.35)
        self.ground = between(self.rng, 0.08, 0.92 - self.contrast)
        self.inside = np.zeros((_SIDE, _SIDE), bool)
        _picture(self.inside, self.height, self.width)[:] = True

    def from_to(self, easy: float, hard: float) -> float:
        # Each property follows the difficulty with some play, so that none gives it away.
        play = 0.2 * (self.rng.random_sample() - 0.5)
        return easy + (hard - easy) * min(max(self.difficulty + play, 0.0), 1.0)

    def colour(self, low: float, high: float) -> np.ndarray:
        """A random colour (3,), in brightness between the ground (0) and the digits (1)."""
        share = between(self.rng, low, high)
        return random_colour(self.rng, self.ground + self.contrast * share, 0.25)

    def draw_background(self) -> None:
        rng = self.rng
        self.canvas = texture(rng, self.from_to(0.03, 0.2), _SIDE) + self.colour(0, 0)
        for _ in range(round(self.from_to(0, 6))):
            draw_line(self.canvas, rng, self.colour(-0.5, 0.8))
        for _ in range(round(self.from_to(1, 10))):
            pose = Pose.anywhere(rng, between(rng, 14, 48), _SIDE)
            paste(self.canvas, self.glyph()[1], pose, self.colour(-0.5, 0.8), cut_line(rng))

    def glyph(self) -> tuple[int, np.ndarray]:
        chosen = int(self.rng.random_sample() * len(self.glyphs))
        return chosen, self.glyphs[chosen]

    def add_digit(self) -> None:
        """A digit before all others; none, where there is no place for it."""
        rng = self.rng
        chosen, glyph = self.glyph()
        part = rng.random_sample()
        # More small ones than large ones, and none so large that it leaves no room.
        size = min(
            MIN_HEIGHT + (MAX_HEIGHT - MIN_HEIGHT) * part * part,
            0.75 * min(self.height, self.width),
        )
        # The digits are always the brighter ones, as in the pictures of single digits.
        colour, shade = self.colour(0.85, 1.1), self.colour(-0.3, 0)
        for _ in range(_ATTEMPTS):
            layer = _layer()
            paste(layer, glyph, self.pose(size), _FULL)
            ink = layer[:, :, 0] >= _INK
            digit = _Digit(chosen, ink, ink & self.inside)
            # With a rim, by which one sees where one digit ends and the next begins.
            rim = _spread(layer)
            if digit.share(digit.seen) >= _MIN_INSIDE and self.cover(rim, _MIN_BEHIND):
                _blend(self.canvas, rim * np.float32(0.7), shade)
                _blend(self.canvas, layer, colour)
                self.digits.append(digit)
                return

    def pose(self, size: float) -> Pose:
        """Anywhere in the picture; one in four digits may reach over its edge."""
        rng = self.rng
        cos, sin = rotation(between(rng, -1, 1) * self.from_to(0.02, 0.2))
        width = size * between(rng, 0.8, 1.1)
        over = 0.2 * size if rng.random_sample() < 0.25 else 0.0
        reach_x = (width * cos + size * abs(sin)) / 2 - over
        reach_y = (size * cos + width * abs(sin)) / 2 - over
        x = _MARGIN + between(rng, reach_x, self.width - reach_x) - 0.5
        y = _MARGIN + between(rng, reach_y, self.height - reach_y) - 0.5
        return Pose(x, y, size, width, cos, sin)

    def cover(self, layer: np.ndarray, keep: float) -> bool:
        """Cover the digits so far, unless too little of one would be seen; whether it was done."""
        free = layer[:, :, 0] < _INK
        seen = [digit.seen & free for digit in self.digits]
        if any(digit.share(s) < keep for digit, s in zip(self.digits, seen, strict=True)):
            return False
        for digit, rest in zip(self.digits, seen, strict=True):
            digit.seen = rest
        return True

    def add_foreground(self) -> None:
        """Pieces of digits and lines before everything."""
        rng = self.rng
        for _ in range(round(self.from_to(-0.5, 4))):
            layer, (_, glyph) = _layer(), self.glyph()
            pose = Pose.anywhere(rng, between(rng, 14, 40), _SIDE)
            paste(layer, glyph, pose, _FULL, cut_line(rng))
            self.put_before(layer)
        for _ in range(round(self.from_to(-0.5, 3))):
            layer = _layer()
            draw_line(layer, rng, _FULL)
            self.put_before(layer)

    def put_before(self, layer: np.ndarray) -> None:
        colour = self.colour(-0.5, 0.8)
        if self.cover(layer, MIN_VISIBLE):
            _blend(self.canvas, layer, colour)

    def finish(self) -> np.ndarray:
        picture = _picture(self.canvas, self.height, self.width)
        grain = self.rng.randint(0, 256, picture.shape, dtype=np.uint8).astype(np.float32)
        picture = picture + (grain / 255 - 0.5) * np.float32(self.from_to(0.02, 0.18))
        return np.rint(np.clip(picture, 0, 1) * 255).astype(np.uint8)


def _layer() -> np.ndarray:
    """An empty layer: opacity as float32 (side, side, 1), a canvas of one colour."""
    return np.zeros((_SIDE, _SIDE, 1), np.float32)


def _spread(layer: np.ndarray) -> np.ndarray:
    """A layer that is a pixel wider all around; nothing of it lies on the canvas's edge."""
    wide = layer.copy()
    for target, source in ((wide, layer), (wide.swapaxes(0, 1), layer.swapaxes(0, 1))):
        np.maximum(target[1:], source[:-1], out=target[1:])
        np.maximum(target[:-1], source[1:], out=target[:-1])
    return wide


def _blend(canvas: np.ndarray, layer: np.ndarray, colour: np.ndarray) -> None:
    """Blend a colour (3,) into ``canvas`` where a layer is."""
    (rows,), (columns,) = np.nonzero(layer.any((1, 2))), np.nonzero(layer.any((0, 2)))
    if len(rows):
        window = slice(rows[0], rows[-1] + 1), slice(columns[0], columns[-1] + 1)
        canvas[window] += layer[window] * (colour - canvas[window])


def _picture(canvas: np.ndarray, height: int, width: int) -> np.ndarray:
    """The part of a canvas that the picture shows."""
    return canvas[_MARGIN : _MARGIN + height, _MARGIN : _MARGIN + width]
