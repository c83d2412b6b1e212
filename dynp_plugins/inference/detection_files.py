"""A detector's answers as files, JSON or CSV, written one by one as they come."""

import csv
from collections import Counter
from collections.abc import Mapping
from typing import Any, TextIO

from .answer_files import readable_path
from .sample_kinds import SampleKind

_SIDES = ('left', 'top', 'right', 'bottom')
_COLUMNS = ('image', 'label', 'class', 'score', *_SIDES, 'error')
_PIXEL_DIGITS, _SCORE_DIGITS = 3, 6


def detection_row(answer: Mapping[str, Any]) -> dict[str, Any]:
    """An answer of `DetectionInferencer`, ready for JSON.

    Its ``detections`` have ``bbox`` = [left, top, right, bottom] in pixels, to the thousandth.
    """
    source, error = answer['source'], answer['error']
    found = []
    if error is None:
        names = answer['class_names'] or [None] * len(answer['labels'])
        columns = zip(answer['labels'], names, answer['scores'], answer['bboxes'], strict=True)
        found = [
            {
                'label': int(label),
                'class': name,
                'score': round(float(score), _SCORE_DIGITS),
                'bbox': [round(float(side), _PIXEL_DIGITS) for side in box],
            }
            for label, name, score, box in columns
        ]
    path = None if source is None else readable_path(source)
    return {'image': path, 'detections': found, 'error': error}


class DetectionSummary:
    """What the answers of several pictures come to.

    Attributes:
        samples: Number of pictures.
        answered: Number of those that got an answer, also if nothing was found.
        gmacs: Multiply-adds of those answered, where somebody counts them.
    """

    def __init__(self) -> None:
        self._by_label: Counter[tuple[int, str]] = Counter()
        self.samples = 0
        self.answered = 0
        self.gmacs: float | None = None

    def add(self, row: Mapping[str, Any]) -> None:
        """Count one `detection_row`."""
        self.samples += 1
        self.answered += row['error'] is None
        for found in row['detections']:
            name = f'class {found["label"]}' if found['class'] is None else found['class']
            self._by_label[found['label'], name] += 1

    @property
    def detections(self) -> int:
        """Number of all detections."""
        return self._by_label.total()

    @property
    def by_class(self) -> dict[str, int]:
        """Detections by class that was found, in the order of the labels."""
        return {name: self._by_label[label, name] for label, name in sorted(self._by_label)}

    @property
    def gmacs_mean(self) -> float | None:
        """Mean cost of those answered; None where it is not known."""
        return self.gmacs / self.answered if self.answered and self.gmacs is not None else None

    def record(self) -> dict[str, Any]:
        """All of it, ready for JSON."""
        return {
            'images': self.samples,
            'answered': self.answered,
            'detections': self.detections,
            'by_class': self.by_class,
            'gmacs_mean': self.gmacs_mean,
        }


class CsvDetections:
    """A row per detection, and one for each picture without an answer, with the reason."""

    def __init__(self, file: TextIO, head: Mapping[str, Any], kind: SampleKind):
        self._writer = csv.DictWriter(file, _COLUMNS, lineterminator='\n')
        self._writer.writeheader()

    def add(self, row: Mapping[str, Any]) -> None:
        """Write one `detection_row`."""
        if row['error'] is not None:
            self._writer.writerow({'image': row['image'], 'error': row['error']})
        for found in row['detections']:
            sides = dict(zip(_SIDES, found['bbox'], strict=True))
            values = {key: found[key] for key in ('label', 'class', 'score')}
            self._writer.writerow({'image': row['image'], **values, **sides})

    def finish(self, summary: DetectionSummary) -> None:
        """Nothing is left to say."""
