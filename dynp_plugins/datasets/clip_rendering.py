"""Drawing short clips of a digit that moves over clutter, in pairs that only order tells apart.

A clip and its partner are one sequence of frames, played forwards for the one class and backwards
for the other: whatever is drawn, moves or flickers is the same in both, so that frames without
their order say which pair of classes it is and never which of the two. The pair shows in every
frame, as scenes of real actions have their props: a track, a shaft, a crossing or a dial. Ignoring
order therefore allows to be right in half of the clips, and no more.

Bytes are the same on every machine, see `dynp_plugins.datasets.drawing`.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np

from dynp_plugins.datasets.digit_motion import CLIP_LENGTH, FRAME_SIZE, draw_poses, from_to
from dynp_plugins.datasets.drawing import (
    Pose,
    between,
    cut_line,
    draw_line,
    paste,
    random_colour,
    ring,
    rotation,
    stroke,
    texture,
)

_SHAKE = 2  # pixels by which the background may be displaced, either way
_WIDE = FRAME_SIZE + 2 * _SHAKE


def render_clip(
    rng: np.random.RandomState, glyphs: np.ndarray, chosen: int, label: int, difficulty: float
) -> np.ndarray:
    """Draw one clip.

    Args:
        rng: source of everything random.
        glyphs: float32 (G, 80, 80), of one split only.
        chosen: which of them moves.
        label: index into `digit_motion.MOTIONS`.
        difficulty: 0 to 1. It sets how small, how faint and how slow the digit is, how textured,
            cluttered and noisy its surroundings are, and how much all of it trembles.

    Returns:
        uint8 (16, 64, 64, 3), RGB. With ``rng`` in the same state, the partner of a class gives
        the same frames in the opposite order.
    """
    contrast = from_to(rng, difficulty, 0.75, 0.35)
    scene = _Scene(rng, glyphs, difficulty, between(rng, 0.08, 0.92 - contrast), contrast)
    poses = draw_poses(rng, label // 2, difficulty)
    background = scene.background()
    scene.draw_guide(background, label // 2, poses)
    frames = scene.shaken(background)
    scene.add_trembling_pieces(frames)
    # The digit is always the brighter one, as in the pictures of digits.
    paint = scene.colour(1, 1)
    for frame, pose in zip(frames, poses, strict=True):
        paste(frame, glyphs[chosen], pose, paint)
    scene.add_noise(frames)
    np.clip(frames, 0, 1, out=frames)
    frames *= 255
    clip = np.rint(frames, out=frames).astype(np.uint8)
    return clip[::-1] if label % 2 else clip


@dataclass(frozen=True, eq=False)
class _Scene:
    """Everything but the digit.

    Attributes:
        rng: source of everything random.
        glyphs: float32 (G, 80, 80), to take pieces from.
        difficulty: 0 to 1.
        ground: brightness of the background.
        contrast: how much brighter the digit is.
    """

    rng: np.random.RandomState
    glyphs: np.ndarray
    difficulty: float
    ground: float
    contrast: float

    def from_to(self, easy: float, hard: float) -> float:
        return from_to(self.rng, self.difficulty, easy, hard)

    def colour(self, low: float, high: float) -> np.ndarray:
        """A random colour (3,), in brightness between the ground (0) and the digit (1)."""
        share = between(self.rng, low, high)
        return random_colour(self.rng, self.ground + self.contrast * share, 0.25)

    def piece(self) -> tuple[np.ndarray, np.ndarray, tuple[float, float, float]]:
        """A glyph, its colour, and the cut that leaves a piece of it."""
        glyph = self.glyphs[int(self.rng.random_sample() * len(self.glyphs))]
        return glyph, self.colour(-0.5, 0.9), cut_line(self.rng)

    def background(self) -> np.ndarray:
        """Texture, lines and pieces of digits: float32 (68, 68, 3)."""
        rng = self.rng
        wide = texture(rng, self.from_to(0.04, 0.22), _WIDE) + self.colour(0, 0)
        for _ in range(round(self.from_to(0, 4))):
            draw_line(wide, rng, self.colour(-0.5, 0.9))
        for _ in range(round(self.from_to(0.5, 6))):
            glyph, colour, cut = self.piece()
            paste(wide, glyph, Pose.anywhere(rng, between(rng, 14, 30), _WIDE), colour, cut)
        return wide

    def draw_guide(self, wide: np.ndarray, pair: int, poses: list[Pose]) -> None:
        """Mark in the background of which pair the motion is: about it, never its direction."""
        middle = poses[CLIP_LENGTH // 2]
        x, y = middle.x + _SHAKE, middle.y + _SHAKE
        gap = 0.6 * max(pose.height for pose in poses)
        colour, thickness = self.colour(0.4, 0.7), between(self.rng, 0.6, 1.2)
        tilt = between(self.rng, -0.06, 0.06)  # tangent of half the angle: up to 7 degrees
        if pair == 3:  # a dial around the digit
            ring(wide, (x, y), 1.3 * gap, thickness, colour)
            return
        # Tracks run across, a shaft runs down, and two roads meet behind the digit.
        cos, sin = rotation(tilt + 0.414 if pair == 2 else tilt)
        across, down = (cos, sin), (-sin, cos)
        lines = (
            [((x, y - gap), across), ((x, y + gap), across)],
            [((x - gap, y), down), ((x + gap, y), down)],
            [((x, y), across), ((x, y), down)],
        )
        for centre, direction in lines[pair]:
            stroke(wide, centre, direction, 2 * _WIDE, thickness, colour)

    def shaken(self, wide: np.ndarray) -> np.ndarray:
        """The background in every frame, (16, 64, 64, 3); in about half of the clips at rest."""
        frames = np.empty((CLIP_LENGTH, FRAME_SIZE, FRAME_SIZE, 3), np.float32)
        reach = max(self.from_to(-_SHAKE, _SHAKE), 0)
        for frame, (x, y) in zip(frames, _tremble(self.rng, reach), strict=True):
            left, top = round(x) + _SHAKE, round(y) + _SHAKE
            frame[:] = wide[top : top + FRAME_SIZE, left : left + FRAME_SIZE]
        return frames

    def add_trembling_pieces(self, frames: np.ndarray) -> None:
        """Pieces of digits, each on a random walk of its own."""
        for _ in range(round(self.from_to(-0.5, 3))):
            glyph, colour, cut = self.piece()
            pose = Pose.anywhere(self.rng, between(self.rng, 14, 26), FRAME_SIZE)
            for frame, (x, y) in zip(frames, _tremble(self.rng, 3), strict=True):
                paste(frame, glyph, replace(pose, x=pose.x + x, y=pose.y + y), colour, cut)

    def add_noise(self, frames: np.ndarray) -> None:
        """Grain and flicker: other ones in every frame."""
        side = 2 * FRAME_SIZE
        grain = self.rng.randint(0, 256, (side, side, 3), dtype=np.uint8).astype(np.float32)
        grain = (grain / 255 - 0.5) * np.float32(self.from_to(0.02, 0.15))
        flicker = self.from_to(0.0, 0.04)
        for frame in frames:
            left, top = (int(self.rng.random_sample() * FRAME_SIZE) for _ in range(2))
            frame += grain[top : top + FRAME_SIZE, left : left + FRAME_SIZE]
            frame += np.float32(between(self.rng, -flicker, flicker))


def _tremble(rng: np.random.RandomState, reach: float) -> Iterator[tuple[float, float]]:
    """A random walk, one place (x, y) per frame, never further than ``reach`` from the origin."""
    x = y = 0.0
    for _ in range(CLIP_LENGTH):
        x = min(max(x + between(rng, -1, 1), -reach), reach)
        y = min(max(y + between(rng, -1, 1), -reach), reach)
        yield x, y
