"""Where to write names beside marks so that they cover neither each other nor what is drawn."""

import numpy as np

NEAR = 4.0
"""Distance of a name that touches no other thing; further away it needs a leader line."""

_DIRECTIONS = np.deg2rad(np.arange(0, 360, 22.5) - 45)  # below right first: curves lie above exits
_DISTANCES = (NEAR, 8.0, 14.0, 22.0, 32.0, 44.0, 58.0, 74.0, 92.0, 112.0)


def place_labels(
    marks: np.ndarray, sizes: np.ndarray, obstacles: np.ndarray, area: tuple[float, ...]
) -> np.ndarray:
    """Choose a place for each name, greedily, the most crowded mark first.

    All lengths are in one unit, points of type.

    Args:
        marks: (N, 2) centres of the marks.
        sizes: (N, 2) width and height of the names.
        obstacles: (M, 2) points that names should not cover: samples of the lines, the marks.
        area: (left, bottom, right, top) that names may not leave.

    Returns:
        (N, 2) centres of the names.
    """
    centres = np.zeros((len(marks), 2))
    boxes = np.zeros((0, 4))
    crowding = (np.linalg.norm(marks[:, None] - marks[None], axis=-1) < 40).sum(1)
    for i in np.argsort(-crowding, kind='stable'):
        candidates, distances = _candidates(marks[i], sizes[i])
        corners = np.hstack([candidates - sizes[i] / 2, candidates + sizes[i] / 2])
        cost = distances + 1e-3 * np.arange(len(candidates))
        cost = cost + 25 * _covered(corners, obstacles)
        cost = cost + 1e3 * _overlapping(corners, boxes)
        cost = cost + 1e4 * _outside(corners, area)
        best = int(cost.argmin())
        centres[i] = candidates[best]
        boxes = np.vstack([boxes, corners[best]])
        if distances[best] > NEAR:  # later names keep off the leader line too
            leader = np.linspace(marks[i], centres[i], 12)
            obstacles = np.vstack([obstacles, leader])
    return centres


def _candidates(mark: np.ndarray, size: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Centres (C, 2) around one mark and how far their names' edges are from it (C,)."""
    directions = np.stack([np.cos(_DIRECTIONS), np.sin(_DIRECTIONS)], 1)
    rings = [mark + directions * (size / 2 + distance) for distance in _DISTANCES]
    return np.vstack(rings), np.repeat(_DISTANCES, len(directions))


def _covered(corners: np.ndarray, obstacles: np.ndarray) -> np.ndarray:
    """How many obstacles each box (C, 4) covers."""
    inside = (obstacles[None] >= corners[:, None, :2]) & (obstacles[None] <= corners[:, None, 2:])
    return inside.all(-1).sum(1)


def _overlapping(corners: np.ndarray, boxes: np.ndarray) -> np.ndarray:
    """How many of the placed ``boxes`` each box (C, 4) overlaps."""
    apart = (corners[:, None, :2] >= boxes[None, :, 2:]) | (
        corners[:, None, 2:] <= boxes[None, :, :2]
    )
    return (~apart.any(-1)).sum(1)


def _outside(corners: np.ndarray, area: tuple[float, ...]) -> np.ndarray:
    """Whether each box (C, 4) leaves the area."""
    return (corners[:, :2] < area[:2]).any(1) | (corners[:, 2:] > area[2:]).any(1)
