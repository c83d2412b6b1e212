"""Which boxes of a picture get a name written at them, and where, so that no name covers another.

The page shows a picture at least `SHOWN_WIDTH` wide, where it can; names keep their size in pixels,
so what is apart there is apart on larger pictures too.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from benchmarks.detection_records import PictureBox

from ...labels import one_line

MOST = 8
"""So many names a picture has at most: with more, nothing of it would be seen."""

SHOWN_WIDTH, MOST_HIGH = 250, 420
"""Of a picture on the page, in CSS pixels: so wide it is at least, unless it were higher than that.
"""

HEIGHT, LETTER, PADDING = 15.0, 6.4, 6.0
"""Of a name in CSS pixels: its height, a letter's width at most, and blanks at both ends."""


@dataclass(frozen=True)
class BoxLabel:
    """A name at a box.

    Attributes:
        text: Class and, of a detection, score.
        kind: Of the box.
        left: Of the name, in percent of the picture's width; None where it is told from the right.
        right: From the picture's right edge; None where ``left`` is told.
        top: Of the edge of the box that the name stands at, in percent of the picture's height.
        above: Whether it stands above that edge, else below it.
    """

    text: str
    kind: str
    left: float | None
    right: float | None
    top: float
    above: bool


def place_box_labels(boxes: Sequence[PictureBox], aspect: float) -> list[BoxLabel]:
    """Names for as many boxes as have room, the first ones first.

    Args:
        boxes: Of one picture.
        aspect: Its width by its height.
    """
    wide = shown_width(aspect)
    high = wide / aspect
    taken: list[tuple[float, float, float, float]] = []
    labels = []
    for box in boxes:
        text = label_text(box)
        size = LETTER * len(text) + PADDING
        left, top, right, bottom = (
            value * side for value, side in zip(box.box, (wide, high, wide, high), strict=True)
        )
        at_right = left + size > wide
        start = max(right - size, 0.0) if at_right else max(left, 0.0)
        for edge, above in ((top, True), (top, False), (bottom, False), (bottom, True)):
            spot = (start, edge - HEIGHT if above else edge, start + size)
            spot = (*spot, spot[1] + HEIGHT)
            inside = spot[1] >= 0 and spot[3] <= high and spot[2] <= wide + 1
            if not inside or any(_overlap(spot, other) for other in taken):
                continue
            taken.append(spot)
            labels.append(
                BoxLabel(
                    text=text,
                    kind=box.kind,
                    left=None if at_right else round(100 * start / wide, 1),
                    right=round(100 * (1 - (start + size) / wide), 1) if at_right else None,
                    top=round(100 * edge / high, 1),
                    above=above,
                )
            )
            break
        if len(labels) == MOST:
            break
    return labels


def shown_width(aspect: float) -> float:
    """How wide a picture is at least shown, by its width by its height."""
    return min(SHOWN_WIDTH, MOST_HIGH * aspect)


def label_text(box: PictureBox) -> str:
    """The class and, of a detection, its score in hundredths."""
    name = one_line(box.label, 16)
    return name if box.score is None else f'{name} {100 * box.score:.0f}'


def _overlap(one: Sequence[float], other: Sequence[float]) -> bool:
    return one[0] < other[2] and one[2] > other[0] and one[1] < other[3] and one[3] > other[1]
