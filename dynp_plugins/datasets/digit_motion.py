"""Where a moving digit is in every frame of a clip, and the motions there are.

Random numbers and sums as in `dynp_plugins.datasets.drawing`: the same on every machine.
"""

import numpy as np

from dynp_plugins.datasets.drawing import Pose, between, rotation

CLIP_LENGTH = 16
FRAME_SIZE = 64
MOTIONS = ('left', 'right', 'up', 'down', 'grow', 'shrink', 'clockwise', 'counter-clockwise')
"""Classes in their order: an even one is played forwards, the odd one behind it backwards."""


def from_to(rng: np.random.RandomState, difficulty: float, easy: float, hard: float) -> float:
    """A property that follows the difficulty, with some play, so that none gives it away."""
    amount = min(max(difficulty + 0.3 * (rng.random_sample() - 0.5), 0.0), 1.0)
    return easy + (hard - easy) * amount


def draw_poses(rng: np.random.RandomState, pair: int, difficulty: float) -> list[Pose]:
    """Draw where the digit is in every frame of the first class of a pair.

    Every digit moves a little in all possible ways; the way that makes the class stands out.

    Args:
        rng: source of everything random.
        pair: 0 to 3, half the (even) index into `MOTIONS`.
        difficulty: 0 to 1; the harder, the smaller the digit and the shorter its way.

    Returns:
        `CLIP_LENGTH` poses in a frame of `FRAME_SIZE`.
    """
    drift = from_to(rng, difficulty, 1.0, 4.0)
    dx, dy = between(rng, -drift, drift), between(rng, -drift, drift)  # pixels
    growth = between(rng, 0.95, 1.05)
    turn = between(rng, -0.2, 0.2)  # radians
    if pair == 0:
        dx = from_to(rng, difficulty, -28, -14)
    elif pair == 1:
        dy = from_to(rng, difficulty, -28, -14)
    elif pair == 2:
        growth = from_to(rng, difficulty, 2.2, 1.6)
    else:
        turn = from_to(rng, difficulty, 2.6, 1.05)  # 150 to 60 degrees

    size, width = from_to(rng, difficulty, 30, 19), between(rng, 0.8, 1.1)
    small = 2 * size / (1 + growth)
    # The whole path, and nearly all of the digit whatever way up it is, lie within the frame.
    reach = max(small, small * growth) / 2
    x, y = (
        FRAME_SIZE / 2 - 0.5 + between(rng, -1, 1) * max(FRAME_SIZE / 2 - reach - abs(d) / 2, 0)
        for d in (dx, dy)
    )
    cos, sin = rotation(between(rng, -1, 1))
    if rng.random_sample() < 0.5:
        cos, sin = -cos, -sin
    wobble = from_to(rng, difficulty, 0.0, 0.7)

    poses, done = [], 0.0
    for step in _steps(rng):
        done += step
        step_cos, step_sin = rotation(turn * step / 2)  # an angle this small is its tangent
        cos, sin = cos * step_cos - sin * step_sin, sin * step_cos + cos * step_sin
        height = small * (1 + (growth - 1) * done)
        poses.append(
            Pose(
                x=x + dx * (done - 0.5) + between(rng, -wobble, wobble),
                y=y + dy * (done - 0.5) + between(rng, -wobble, wobble),
                height=height,
                width=height * width,
                cos=cos,
                sin=sin,
            )
        )
    return poses


def _steps(rng: np.random.RandomState) -> list[float]:
    """Share of the whole motion between a frame and the one before it; 0 for the first."""
    change = between(rng, -0.5, 0.5)  # from the first to the last: faster or slower
    speeds = [
        1 + change * (2 * t / (CLIP_LENGTH - 2) - 1) + between(rng, -0.2, 0.2)
        for t in range(CLIP_LENGTH - 1)
    ]
    total = sum(speeds)
    return [0.0, *(speed / total for speed in speeds)]
