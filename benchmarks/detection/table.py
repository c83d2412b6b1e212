"""The detection table: per image what a detector finds, what is there, and what it cost.

One pass over a split at one scale fills it; every average precision, interval and mean cost is
arithmetic on it.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from dynp_plugins.errors import UserError
from dynp_plugins.table_files import read_table, write_table

from ..detection_records import PARTS
from .scales import scale_name

MAX_DETECTIONS = 100
"""Of a class in an image are kept; COCO's average precision looks at no more."""

_VERSION = ('detection_table_version', 1)
_DETECTIONS = {'boxes': np.float32, 'scores': np.float32, 'labels': np.int16}
_TRUTH = {
    'true_boxes': np.float64,
    'true_labels': np.int16,
    'crowd': np.bool_,
    'areas': np.float64,
}
_IMAGES = {
    'size': np.int32,
    'source': np.str_,
    'picture': np.uint8,
    'macs': np.int64,
    'other_ops': np.int64,
}


def detection_table_name(model: str, split: str, scale: Sequence[int]) -> str:
    """File name of a detection table in a report's folder."""
    return f'{model}_{split}_{scale_name(scale)}.npz'


@dataclass(frozen=True, eq=False)
class DetectionTable:
    """N images with D detections and G true objects.

    Boxes are (left, top, right, bottom) in pixels of the original image. Those of image i are the
    rows ``first[i]:first[i + 1]``; true ones likewise by ``first_true``.

    Attributes:
        boxes: (D, 4) float32.
        scores: (D,) float32, falling within an image; at most `MAX_DETECTIONS` of a class.
        labels: (D,) int16 class numbers.
        first: (N + 1,) int64.
        true_boxes: (G, 4) float64, as exact as the annotation.
        true_labels: (G,) int16.
        crowd: (G,) whether the object does not count, neither when found nor when missed.
        areas: (G,) area in square pixels by which an object is small, medium or large.
        first_true: (N + 1,) int64.
        size: (N, 2) int32 width and height of the original image.
        source: (N,) path of the image.
        picture: (N, 16) digest of the original image's pixels, the same at every scale.
        macs: (N, 3) int64 multiply-adds of each image by part, in the order of `PARTS`.
        other_ops: (N, 3) int64, what fvcore counts of normalisation layers and the like.
        manifest: What the table was made from: model, split, scale, class names, hashes.
    """

    boxes: np.ndarray
    scores: np.ndarray
    labels: np.ndarray
    first: np.ndarray
    true_boxes: np.ndarray
    true_labels: np.ndarray
    crowd: np.ndarray
    areas: np.ndarray
    first_true: np.ndarray
    size: np.ndarray
    source: np.ndarray
    picture: np.ndarray
    macs: np.ndarray
    other_ops: np.ndarray
    manifest: dict[str, Any]

    def __len__(self) -> int:
        return len(self.size)

    @property
    def classes(self) -> list[str]:
        """Names, in the order of the labels."""
        return self.manifest['classes']

    @property
    def image(self) -> np.ndarray:
        """(D,) image of each detection."""
        return np.repeat(np.arange(len(self)), np.diff(self.first))

    @property
    def true_image(self) -> np.ndarray:
        """(G,) image of each true object."""
        return np.repeat(np.arange(len(self)), np.diff(self.first_true))

    def has_truth_of(self, other: 'DetectionTable') -> bool:
        """Whether both know the same classes and the same objects, image by image."""
        names = ('first_true', 'true_boxes', 'true_labels', 'crowd', 'areas')
        return self.classes == other.classes and all(
            np.array_equal(getattr(self, name), getattr(other, name)) for name in names
        )

    def with_manifest(self, **entries: Any) -> 'DetectionTable':
        """The same table with more said about it."""
        return replace(self, manifest=self.manifest | entries)

    def save(self, path: str | Path) -> None:
        """Write ``path``, .npz without pickle, manifest included; whole or not at all.

        The manifest is also written beside it, as .json, for people to read.
        """
        names = (*_DETECTIONS, 'first', *_TRUTH, 'first_true', *_IMAGES)
        arrays = {name: getattr(self, name) for name in names}
        write_table(path, arrays, self.manifest | dict([_VERSION]))

    @classmethod
    def load(cls, path: str | Path) -> 'DetectionTable':
        """Read what `save` wrote.

        Raises:
            UserError: The file is missing, damaged, no detection table, or one of another version.
        """
        return read_table(path, 'detection table', _VERSION, cls._of_arrays)

    @classmethod
    def _of_arrays(cls, arrays: dict[str, np.ndarray], manifest: dict) -> 'DetectionTable':
        table = cls(**arrays, manifest=manifest)
        table._check()
        return table

    def _check(self) -> None:
        """ValueError if columns do not fit each other or the manifest."""
        missing = {'split', 'scale', 'classes', 'index_sha256'} - self.manifest.keys()
        if missing:
            raise ValueError(f'the manifest lacks {min(missing)}')
        for columns, length, widths in (
            (_IMAGES, len(self.size), {'size': 2, 'picture': 16, 'macs': 3, 'other_ops': 3}),
            (_DETECTIONS, len(self.scores), {'boxes': 4}),
            (_TRUTH, len(self.true_labels), {'true_boxes': 4}),
        ):
            for name, kind in columns.items():
                column = getattr(self, name)
                shape = (length, *([widths[name]] if name in widths else []))
                if column.shape != shape or not np.issubdtype(column.dtype, kind):
                    raise ValueError(f'{name} is {column.dtype} {column.shape}, not {shape}')
        for name, rows in (('first', len(self.scores)), ('first_true', len(self.true_labels))):
            first = getattr(self, name)
            rises = first.ndim == 1 and len(first) == len(self) + 1 and (np.diff(first) >= 0).all()
            if not rises or first[0] != 0 or first[-1] != rows:
                raise ValueError(f'{name} does not cut {rows} rows into {len(self)} images')
        self._check_values()

    def _check_values(self) -> None:
        """ValueError for numbers that no pass writes."""
        if not _among_best(self.image, self.labels).all():
            raise ValueError(f'an image has more than {MAX_DETECTIONS} detections of a class')
        same_image = np.diff(self.image) == 0
        if (np.diff(self.scores)[same_image] > 0).any():
            raise ValueError('the scores of an image do not fall')
        for name in ('boxes', 'scores', 'true_boxes', 'areas'):
            if not np.isfinite(getattr(self, name)).all():
                raise ValueError(f'{name} hold a number that is NaN or infinite')
        for name in ('labels', 'true_labels'):
            labels = getattr(self, name)
            if labels.size and not 0 <= labels.min() <= labels.max() < len(self.classes):
                raise ValueError(f'{name} are none of the {len(self.classes)} classes')


@dataclass(frozen=True, eq=False)
class ImageDetections:
    """One image, as `DetectionTableBuilder` takes it; columns as in `DetectionTable`.

    The detections may come in any order and number.
    """

    boxes: np.ndarray
    scores: np.ndarray
    labels: np.ndarray
    true_boxes: np.ndarray
    true_labels: np.ndarray
    crowd: np.ndarray
    areas: np.ndarray
    size: tuple[int, int]
    source: str
    picture: bytes
    macs: Sequence[int]
    other_ops: Sequence[int]


class DetectionTableBuilder:
    """Collects images into a `DetectionTable`.

    Args:
        classes: Names, in the order of the labels.
    """

    def __init__(self, classes: Sequence[str]):
        self._classes = list(classes)
        self._images: list[ImageDetections] = []

    def add(self, image: ImageDetections) -> None:
        """Add an image; of each class the `MAX_DETECTIONS` of the highest scores are kept.

        Raises:
            UserError: A number is NaN or infinite, or a label is none of the classes.
        """
        if not (np.isfinite(image.boxes).all() and np.isfinite(image.scores).all()):
            raise UserError(
                f'the detector puts out NaN or infinite boxes or scores on {image.source}; the '
                'checkpoint is broken, or the run it comes from has diverged'
            )
        for what, labels in (
            ('the detector finds', image.labels),
            ('the annotation has', image.true_labels),
        ):
            wrong = np.setdiff1d(labels, np.arange(len(self._classes)))
            if wrong.size:
                raise UserError(
                    f'{what} an object with label {wrong[0]} on {image.source}, but the split has '
                    f'only {len(self._classes)} classes, numbered from 0'
                )
        best = np.argsort(-np.asarray(image.scores), kind='stable')
        best = best[_among_best(np.zeros(len(best), int), np.asarray(image.labels)[best])]
        kept = {name: np.asarray(getattr(image, name))[best] for name in _DETECTIONS}
        self._images.append(replace(image, **kept))

    def build(self, **manifest: Any) -> DetectionTable:
        """The table of all images so far."""
        columns = {
            name: np.concatenate(
                [np.empty((0, 4) if name.endswith('boxes') else 0, kind)]
                + [np.asarray(getattr(image, name), kind) for image in self._images]
            )
            for name, kind in (_DETECTIONS | _TRUTH).items()
        }
        pictures = np.frombuffer(b''.join(image.picture for image in self._images), np.uint8)
        return DetectionTable(
            **columns,
            first=_offsets(len(image.scores) for image in self._images),
            first_true=_offsets(len(image.true_labels) for image in self._images),
            size=np.array([image.size for image in self._images], np.int32).reshape(-1, 2),
            source=np.array([image.source for image in self._images], np.str_),
            picture=pictures.reshape(-1, 16),
            macs=self._of_parts('macs'),
            other_ops=self._of_parts('other_ops'),
            manifest={'classes': self._classes, **manifest},
        )

    def _of_parts(self, name: str) -> np.ndarray:
        rows = [getattr(image, name) for image in self._images]
        return np.array(rows, np.int64).reshape(-1, len(PARTS))


def _among_best(image: np.ndarray, labels: np.ndarray) -> np.ndarray:
    """(D,) whether fewer than `MAX_DETECTIONS` of its image and class come before a detection.

    Args:
        image: (D,) of each detection, rising; within an image the scores fall.
        labels: (D,) of each.
    """
    order = np.lexsort((labels, image))  # stable: scores still fall
    pairs = np.stack([image[order], labels[order]])
    starts = np.append(True, (pairs[:, 1:] != pairs[:, :-1]).any(0))[: len(order)]
    begin = np.maximum.accumulate(np.where(starts, np.arange(len(order)), 0))
    among = np.empty(len(order), bool)
    among[order] = np.arange(len(order)) - begin < MAX_DETECTIONS
    return among


def _offsets(counts: Iterator[int]) -> np.ndarray:
    return np.cumsum([0, *counts], dtype=np.int64)
