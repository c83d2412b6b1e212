"""Names written beside the marks of a figure, with a leader line where there is no room nearby."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from matplotlib.axes import Axes

from .label_placement import NEAR, place_labels


@dataclass(frozen=True)
class MarkName:
    """A name and the mark, in data coordinates, that it belongs to."""

    text: str
    mark: tuple[float, float]
    colour: str
    style: str = 'normal'


def write_names(axes: Axes, names: Sequence[MarkName], lines: Sequence[np.ndarray]) -> None:
    """Write each name where it covers neither another nor a mark nor a line.

    Args:
        axes: Their ranges are final.
        names: Those whose mark lies outside the axes are left out.
        lines: (M, 2) in data coordinates: what is drawn beside the marks.
    """
    to_points = 72 / axes.figure.dpi

    def in_points(values: np.ndarray) -> np.ndarray:
        return axes.transData.transform(np.asarray(values, float).reshape(-1, 2)) * to_points

    area = tuple(axes.bbox.extents * to_points)
    all_marks = in_points([name.mark for name in names])
    inside = ((all_marks >= area[:2]) & (all_marks <= area[2:])).all(1)
    shown, marks = [names[i] for i in np.flatnonzero(inside)], all_marks[inside]
    if not shown:
        return
    obstacles = [marks, *_ring(marks), *(_sampled(in_points(line)) for line in lines)]
    renderer = axes.figure.canvas.get_renderer()
    texts = [
        axes.text(
            0,
            0,
            name.text,
            size=8,
            color=name.colour,
            style=name.style,
            ha='center',
            va='center',
            parse_math=False,
            zorder=6,
        )
        for name in shown
    ]
    extents = [text.get_window_extent(renderer) for text in texts]
    sizes = np.array([(box.width, box.height) for box in extents]) * to_points + (2, 0)
    centres = place_labels(marks, sizes, np.vstack(obstacles), area)
    for text, mark, centre, size in zip(texts, marks, centres, sizes, strict=True):
        text.set_position(axes.transData.inverted().transform(centre / to_points))
        gap = np.maximum(np.abs(centre - mark) - size / 2, 0)
        if gap.max() > 2 * NEAR + 1:
            end = np.clip(mark, centre - size / 2, centre + size / 2)  # nearest edge of the name
            ends = axes.transData.inverted().transform(np.stack([mark, end]) / to_points)
            axes.plot(*ends.T, color=text.get_color(), linewidth=0.5, alpha=0.7, zorder=2)


def _ring(marks: np.ndarray) -> list[np.ndarray]:
    """Points around each mark, so that a name keeps off its rim."""
    around = np.deg2rad(np.arange(0, 360, 45))
    return [marks + 4 * np.array([np.cos(a), np.sin(a)]) for a in around]


def _sampled(line: np.ndarray) -> np.ndarray:
    """Points every point or so along a line (M, 2)."""
    pieces = [line[:1]]
    for start, end in pairwise(line):
        steps = max(int(np.abs(end - start).max() / 1.5), 1)
        pieces.append(start + (end - start) * (np.arange(1, steps + 1) / steps)[:, None])
    return np.vstack(pieces)
