"""The gallery of detectors: real test images, what is there beside what was detected."""

from collections.abc import Sequence
from dataclasses import dataclass

from benchmarks.detection_records import DetectionPicture, DetectorResult, PictureBox

from ...detection.panels import scale_text
from ...labels import counted, one_line
from ..gallery import is_embedded
from .box_labels import SHOWN_WIDTH, BoxLabel, place_box_labels, shown_width
from .panel import DetectionPanel

KINDS = {
    'found': 'object, found',
    'missed': 'object, missed',
    'crowd': 'object that does not count',
    'right': 'detection, right',
    'wrong': 'detection, wrong',
}
"""Kinds of boxes in words; those of true objects first."""
DETECTED, ERRORS = ('right', 'wrong'), ('wrong', 'missed')
MOST_TOLD = 12
"""Boxes that are told to those who do not see the picture."""


@dataclass(frozen=True)
class Box:
    """One box.

    Attributes:
        left: Of the box in pixels of the picture, as the others are.
        kind: One of `KINDS`; decides the look.
        text: What it is, in words.
    """

    left: float
    top: float
    width: float
    height: float
    kind: str
    text: str


@dataclass(frozen=True)
class Shot:
    """The picture with one sort of boxes.

    Attributes:
        title: What the boxes are.
        alt: For those who do not see the picture.
        boxes: In the order they are drawn; what is wrong or missed comes last, on top.
        labels: Of those boxes that have room for one.
    """

    title: str
    alt: str
    boxes: list[Box]
    labels: list[BoxLabel]


@dataclass(frozen=True)
class Scene:
    """One test image.

    Attributes:
        id: Of the picture on the page, a number.
        image: A JPEG as a ``data:`` URL.
        truth: With the true objects.
        detections: With what was detected.
        slim: The most CSS pixels that it may be wide, so that it is not too high; None for any.
        finding: How well that went.
        title: Where the picture comes from.
    """

    id: int
    image: str
    width: int
    height: int
    truth: Shot
    detections: Shot
    slim: float | None
    finding: str
    title: str


@dataclass(frozen=True)
class SceneGroup:
    """Images that went well, or badly."""

    title: str
    scenes: list[Scene]


@dataclass(frozen=True)
class DetectorGallery:
    """One detector's pictures at its best scale.

    Attributes:
        model: Index of the detector in the panel.
        kinds: Kinds of boxes that appear, for the legend.
    """

    model: int
    scale: str
    score_threshold: float
    groups: list[SceneGroup]
    kinds: list[str]


GROUPS = {'best': 'Where it does best', 'worst': 'Where it does worst'}


def detector_galleries(panel: DetectionPanel, per_group: int) -> list[DetectorGallery]:
    """Of the detectors that have pictures, at most ``per_group`` of the best and of the worst."""
    found, number = [], 1000 * panel.index
    for i, detector in enumerate(panel.detectors):
        pictures = _pictures(detector, per_group)
        if not pictures:
            continue
        gallery = detector.gallery
        groups = []
        for key, title in GROUPS.items():
            scenes = [_scene(p, number + k) for k, p in enumerate(pictures) if p.group == key]
            groups += [SceneGroup(title, scenes)] if scenes else []
        number += len(pictures)
        kinds = {box.kind for picture in pictures for box in picture.boxes}
        scale = scale_text(gallery.scale)
        shown = [kind for kind in KINDS if kind in kinds]
        found.append(DetectorGallery(i, scale, gallery.score_threshold, groups, shown))
    return found


def is_scene(picture: DetectionPicture) -> bool:
    """Whether the image is a PNG or JPEG inside the page, with a size; nothing else is shown."""
    return (
        is_embedded(picture.image)
        and min(picture.width, picture.height) > 0
        and picture.group in GROUPS
    )


def _pictures(detector: DetectorResult, per_group: int) -> list[DetectionPicture]:
    """The first ones of each group."""
    if detector.gallery is None:
        return []
    pictures = [picture for picture in detector.gallery.pictures if is_scene(picture)]
    return [
        picture
        for key in GROUPS
        for picture in [picture for picture in pictures if picture.group == key][:per_group]
    ]


def _scene(picture: DetectionPicture, number: int) -> Scene:
    detections = [box for box in picture.boxes if box.kind in DETECTED]
    truth = [box for box in picture.boxes if box.kind in KINDS and box.kind not in DETECTED]
    source = f', {one_line(picture.source, 200)}' if picture.source else ''
    width = shown_width(picture.width / picture.height)
    return Scene(
        id=number,
        image=picture.image,
        width=picture.width,
        height=picture.height,
        truth=_shot('What is there', truth, picture),
        detections=_shot('What was detected', detections, picture),
        slim=width if width < SHOWN_WIDTH else None,
        finding=_finding(picture, truth, detections),
        title=f'test image {picture.index}{source}',
    )


def _finding(
    picture: DetectionPicture, truth: Sequence[PictureBox], detections: Sequence[PictureBox]
) -> str:
    """How many objects were found, and how many detections are wrong."""
    objects = [box for box in truth if box.kind != 'crowd']
    found = sum(box.kind == 'found' for box in objects)
    wrong = sum(box.kind == 'wrong' for box in detections)
    said = f'{found} of {counted(len(objects), "object")} found' if objects else 'no object there'
    errors = counted(wrong, 'wrong detection') if wrong else 'nothing wrongly detected'
    return f'F1 {picture.f1_percent:.0f} %: {said}, {errors}'


def _shot(title: str, boxes: Sequence[PictureBox], picture: DetectionPicture) -> Shot:
    # What is wrong or missed is drawn last, told first, and finds room for its name first.
    ordered = sorted(boxes, key=lambda box: (box.kind not in ERRORS, -(box.score or 0.0)))
    told = [_box(box, picture) for box in ordered]
    words = '; '.join(box.text for box in told[:MOST_TOLD]) or 'nothing'
    more = f'; and {len(told) - MOST_TOLD} more' if len(told) > MOST_TOLD else ''
    labels = place_box_labels(ordered, picture.width / picture.height)
    return Shot(title, f'{title}: {words}{more}', told[::-1], labels)


def _box(box: PictureBox, picture: DetectionPicture) -> Box:
    left, top, right, bottom = box.box
    score = '' if box.score is None else f', score {box.score:.2f}'
    return Box(
        left=round(left * picture.width, 1),
        top=round(top * picture.height, 1),
        width=round(max(right - left, 0.0) * picture.width, 1),
        height=round(max(bottom - top, 0.0) * picture.height, 1),
        kind=box.kind,
        text=f'{one_line(box.label, 40)}, {KINDS[box.kind]}{score}',
    )
