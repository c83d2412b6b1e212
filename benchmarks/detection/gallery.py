"""Test images with detections beside what is there: where a detector does best, and worst."""

import base64
import io
from collections.abc import Sequence

import numpy as np

from dynp_plugins.errors import UserError
from dynp_plugins.inference.image_reading import read_rgb

from ..detection_records import DetectionGallery, DetectionPicture, PictureBox
from ..provenance import picture_digest
from .coco_metrics import Evaluation
from .table import DetectionTable

PER_GROUP = 8
SIDE = 320
"""Longest side of a picture, in pixels."""


def make_detection_gallery(
    calibration: DetectionTable,
    on_calibration: Evaluation,
    test: DetectionTable,
    on_test: Evaluation,
) -> DetectionGallery | None:
    """Pick test images and make small pictures of them.

    The score from which on detections are shown maximises F1 (at IoU .50, over all classes and
    images) on the calibration split. With it, each test image has an F1 of its own. The best images
    are those of the highest F1, of more objects first where it is the same; the worst are the other
    way round from the end, of more objects first likewise. No image is in both groups; images
    without objects and without detections are in none.

    Args:
        calibration: The table of the calibration split at the scale that is best there.
        on_calibration: Its evaluation.
        test: Of the test split at the same scale.
        on_test: Its evaluation.

    Returns:
        None where the test split has nothing to show.

    Raises:
        UserError: A file is no longer the image that the table was made from.
    """
    threshold = score_threshold(calibration, on_calibration)
    f1, objects = image_f1(test, on_test, threshold), _objects_by_image(test)
    rows = np.flatnonzero(~np.isnan(f1))
    best = rows[np.lexsort((-objects[rows], -f1[rows]))][: min(PER_GROUP, (len(rows) + 1) // 2)]
    rest = np.setdiff1d(rows, best)
    worst = rest[np.lexsort((-objects[rest], f1[rest]))][:PER_GROUP]
    pictures = [
        _picture(test, on_test, int(i), group, 100 * float(f1[i]), threshold)
        for group, images in (('best', best), ('worst', worst))
        for i in images
    ]
    if not pictures:
        return None
    return DetectionGallery(list(test.manifest['scale']), threshold, pictures)


def score_threshold(table: DetectionTable, evaluation: Evaluation) -> float:
    """The highest score from which on detections have the best F1, at IoU .50.

    0 for a table without detections.
    """
    right, counts = evaluation.matches.right[0], ~evaluation.matches.ignored[0]
    order = np.argsort(-table.scores, kind='stable')
    order = order[counts[order]]
    if not order.size:
        return 0.0
    f1 = 2 * right[order].cumsum() / (np.arange(1, len(order) + 1) + (~table.crowd).sum())
    scores = table.scores[order]
    f1[:-1][scores[:-1] == scores[1:]] = -1  # no score comes between two that are alike
    return float(scores[np.argmax(f1)])


def image_f1(table: DetectionTable, evaluation: Evaluation, threshold: float) -> np.ndarray:
    """(N,) F1 of each image's detections from a score on, at IoU .50.

    NaN where nothing is there and nothing is found.
    """
    shown = (table.scores >= threshold) & ~evaluation.matches.ignored[0]

    def by_image(chosen: np.ndarray) -> np.ndarray:
        return np.bincount(table.image[chosen], minlength=len(table))

    right = by_image(shown & evaluation.matches.right[0])
    size = by_image(shown) + _objects_by_image(table)
    return np.divide(2 * right, size, out=np.full(len(table), np.nan), where=size > 0)


def _objects_by_image(table: DetectionTable) -> np.ndarray:
    """(N,) true objects that count."""
    return np.bincount(table.true_image[~table.crowd], minlength=len(table))


def _picture(
    table: DetectionTable,
    evaluation: Evaluation,
    i: int,
    group: str,
    f1_percent: float,
    threshold: float,
) -> DetectionPicture:
    pixels = read_rgb(str(table.source[i]))
    if picture_digest(np.asarray(pixels)) != table.picture[i].tobytes():
        raise UserError(
            f'{table.source[i]} is not the image that the detection table was made from: the data '
            'have changed since; leave out --reuse-tables'
        )
    pixels.thumbnail((SIDE, SIDE))
    buffer = io.BytesIO()
    pixels.save(buffer, 'JPEG', quality=80)
    return DetectionPicture(
        group=group,
        index=i,
        source=str(table.source[i]),
        f1_percent=f1_percent,
        image='data:image/jpeg;base64,' + base64.b64encode(buffer.getvalue()).decode('ascii'),
        width=pixels.width,
        height=pixels.height,
        boxes=_boxes(table, evaluation, i, threshold),
    )


def _boxes(
    table: DetectionTable, evaluation: Evaluation, i: int, threshold: float
) -> list[PictureBox]:
    """True objects, then detections; those on objects that do not count are left out."""
    detections = np.arange(table.first[i], table.first[i + 1])
    detections = detections[table.scores[detections] >= threshold]
    detections = detections[~evaluation.matches.ignored[0, detections]]
    hit = evaluation.matches.truth[0, detections]
    boxes = []
    for g in range(table.first_true[i], table.first_true[i + 1]):
        kind = 'crowd' if table.crowd[g] else 'found' if g in hit else 'missed'
        boxes.append(_box(table, i, table.true_boxes[g], table.true_labels[g], kind, None))
    for d, truth in zip(detections, hit, strict=True):
        kind = 'right' if truth >= 0 else 'wrong'
        score = float(table.scores[d])
        boxes.append(_box(table, i, table.boxes[d], table.labels[d], kind, score))
    return boxes


def _box(
    table: DetectionTable,
    i: int,
    box: Sequence[float],
    label: int,
    kind: str,
    score: float | None,
) -> PictureBox:
    fractions = np.asarray(box, np.float64) / np.tile(table.size[i], 2)
    return PictureBox(fractions.tolist(), table.classes[label], kind, score)
