"""COCO's average precision from a detection table alone, by pycocotools or faster-coco-eval.

Images are compared in the order of the split, which decides between detections of equal scores.
"""

import contextlib
import importlib
import io
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from dynp_plugins.errors import UserError

from ..detection_records import ClassAP, DetectionMetrics
from .table import MAX_DETECTIONS, DetectionTable

PYCOCOTOOLS, FASTER = 'pycocotools', 'faster-coco-eval'
BACKENDS = {
    PYCOCOTOOLS: ('pycocotools.coco:COCO', 'benchmarks.detection.coco_matching:NearCOCOeval'),
    FASTER: ('faster_coco_eval:COCO', 'faster_coco_eval:COCOeval_faster'),
}
"""Two packages that give the same numbers, and their classes; the latter is quicker."""

_SIZES = ('all', 'small', 'medium', 'large')
_IOU = {50: 0, 75: 5}
"""Where .50 and .75 are among COCO's ten thresholds."""


@dataclass(frozen=True, eq=False)
class Matches:
    """What each detection of a table hits, at each of COCO's ten IoU thresholds, .50 to .95.

    Attributes:
        truth: (10, D) row of the true object in the table, -1 where it hits none.
        ignored: (10, D) whether the detection does not count, because its object does not.
    """

    truth: np.ndarray
    ignored: np.ndarray

    @property
    def right(self) -> np.ndarray:
        """(10, D) true positives."""
        return (self.truth >= 0) & ~self.ignored


@dataclass(frozen=True, eq=False)
class Evaluation:
    """A table's average precision.

    Attributes:
        metrics: Over all classes.
        classes: One by one, in the order of the labels.
        matches: What the intervals and the gallery are made from.
    """

    metrics: DetectionMetrics
    classes: list[ClassAP]
    matches: Matches


def evaluate(table: DetectionTable, backend: str = PYCOCOTOOLS) -> Evaluation:
    """Match detections with true objects, and average the precision.

    Args:
        table: Of one split at one scale.
        backend: Which of `BACKENDS` makes the averages. The matches are pycocotools' in any case.

    Raises:
        UserError: The split has no images; there is no such backend, or it is not installed.
    """
    if not len(table):
        raise UserError(f'the {table.manifest.get("split")} split is empty')
    check_backend(backend)
    averaged = matched = _run(table, backend)
    if backend != PYCOCOTOOLS:  # the other keeps its matches to itself
        matched = _run(table, PYCOCOTOOLS, sizes=1, accumulate=False)
    # IoU thresholds, recall levels, classes, sizes; -1 where there is no such object.
    precision = np.asarray(averaged.eval['precision'])[..., 0]
    of_all = precision[..., 0]
    counted = table.true_labels[~table.crowd]
    return Evaluation(
        DetectionMetrics(
            _percent(of_all),
            *(_percent(of_all[at]) for at in _IOU.values()),
            *(_percent(precision[..., size]) for size in range(1, len(_SIZES))),
        ),
        [
            ClassAP(
                name=name,
                objects=int((counted == k).sum()),
                ap_percent=_percent(of_all[:, :, k]),
                ap50_percent=_percent(of_all[_IOU[50], :, k]),
            )
            for k, name in enumerate(table.classes)
        ],
        _matches(table, matched),
    )


def check_backend(backend: str) -> None:
    """Make sure that it can be used.

    Raises:
        UserError: There is no such backend, or it is not installed.
    """
    if backend not in BACKENDS:
        raise UserError(f'no backend {backend!r}: choose {" or ".join(BACKENDS)}')
    for name in BACKENDS[backend]:
        _imported(name, backend)


def _percent(precision: np.ndarray) -> float | None:
    """Mean of what is defined."""
    defined = precision[precision > -1]
    return 100 * float(defined.mean()) if defined.size else None


def _run(
    table: DetectionTable, backend: str, sizes: int = len(_SIZES), accumulate: bool = True
) -> Any:
    """The package's COCOeval that has looked at all images; it prints on its way."""
    coco, coco_eval = (_imported(name, backend) for name in BACKENDS[backend])
    with contextlib.redirect_stdout(io.StringIO()):
        evaluator = coco_eval(
            _indexed(coco, table, _true_objects(table)),
            _indexed(coco, table, _detections(table)),
            'bbox',
        )
        evaluator.params.maxDets = [MAX_DETECTIONS]
        evaluator.params.areaRng = evaluator.params.areaRng[:sizes]
        evaluator.params.areaRngLbl = evaluator.params.areaRngLbl[:sizes]
        evaluator.evaluate()
        if accumulate:
            evaluator.accumulate()
    return evaluator


def _imported(name: str, package: str) -> type:
    module, _, kind = name.partition(':')
    try:
        return getattr(importlib.import_module(module), kind)
    except ImportError as error:
        raise UserError(f'{package} cannot be imported ({error}): pip install {package}') from error


def _indexed(coco: type, table: DetectionTable, annotations: list[dict]) -> Any:
    """A COCO object with images and classes numbered from 1, in the order of the table."""
    made = coco()
    made.dataset = {
        'images': [
            {'id': i, 'width': int(width), 'height': int(height)}
            for i, (width, height) in enumerate(table.size, 1)
        ],
        'categories': [{'id': k, 'name': name} for k, name in enumerate(table.classes, 1)],
        'annotations': annotations,
    }
    made.createIndex()
    return made


def _true_objects(table: DetectionTable) -> list[dict]:
    columns = (table.true_image + 1, table.true_labels + 1, table.areas, table.crowd)
    return _annotations(columns, table.true_boxes, ('area', 'iscrowd'))


def _detections(table: DetectionTable) -> list[dict]:
    boxes = table.boxes.astype(np.float64)
    areas = (boxes[:, 2:] - boxes[:, :2]).prod(1)
    columns = (table.image + 1, table.labels.astype(int) + 1, areas, table.scores)
    return _annotations(columns, boxes, ('area', 'score'))


def _annotations(
    columns: Sequence[np.ndarray], boxes: np.ndarray, names: tuple[str, str]
) -> list[dict]:
    """Numbered from 1: pycocotools takes 0 for no match."""
    corners = np.hstack([boxes[:, :2], boxes[:, 2:] - boxes[:, :2]]).tolist()
    rows = zip(*(column.tolist() for column in columns), corners, strict=True)
    return [
        {
            'iscrowd': 0,
            'id': i,
            'image_id': image,
            'category_id': label,
            'bbox': corner,
            names[0]: first,
            names[1]: second,
        }
        for i, (image, label, first, second, corner) in enumerate(rows, 1)
    ]


def _matches(table: DetectionTable, evaluator: Any) -> Matches:
    """From what pycocotools keeps per image and class, for objects of all sizes."""
    thresholds = len(evaluator.params.iouThrs)
    truth = np.full((thresholds, len(table.scores)), -1, np.int32)
    ignored = np.zeros(truth.shape, bool)
    everything = evaluator.params.areaRng[0]
    for found in evaluator.evalImgs:
        if found is not None and found['aRng'] == everything:
            rows = np.array(found['dtIds'], int) - 1
            truth[:, rows] = found['dtMatches'].astype(np.int32) - 1
            ignored[:, rows] = found['dtIgnore']
    return Matches(truth, ignored)
