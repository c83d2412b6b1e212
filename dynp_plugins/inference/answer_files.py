"""An inferencer's answers as files, JSON or CSV, written one by one as they come."""

import csv
import json
import os
from collections import Counter
from collections.abc import Mapping
from typing import Any, TextIO

ANSWER_COLUMNS = ('image', 'label', 'class', 'score', 'confidence', 'exit', 'gmacs', 'error')
"""What is said of each picture, in this order."""

_KEYS = ('pred_label', 'pred_class', 'pred_score', 'confidence', 'exit_name', 'gmacs', 'error')


def answer_row(answer: Mapping[str, Any]) -> dict[str, Any]:
    """An answer of `DynamicInferencer` without the scores of all classes, by `ANSWER_COLUMNS`."""
    source = answer['source']
    image = None if source is None else readable_path(source)
    return dict(zip(ANSWER_COLUMNS, [image, *(answer[key] for key in _KEYS)], strict=True))


def readable_path(path: str) -> str:
    """A path as text that any file can hold; bytes that are no UTF-8 are written as ``\\xff``."""
    return os.fsencode(path).decode('utf-8', 'backslashreplace')


class AnswerSummary:
    """What several answers come to.

    Attributes:
        images: Number of pictures.
        answered: Number of those that got an answer.
    """

    def __init__(self, exit_names: tuple[str, ...]):
        self._left_at: Counter[str] = Counter(dict.fromkeys(exit_names, 0))
        self._gmacs: float | None = 0.0
        self.images = 0

    def add(self, row: Mapping[str, Any]) -> None:
        """Count one `answer_row`."""
        self.images += 1
        if row['error'] is not None:
            return
        self._left_at[row['exit']] += 1
        known = self._gmacs is not None and row['gmacs'] is not None
        self._gmacs = self._gmacs + row['gmacs'] if known else None

    @property
    def answered(self) -> int:
        return self._left_at.total()

    @property
    def gmacs_mean(self) -> float | None:
        """Mean cost of those answered; None where nobody is, or some cost is unknown."""
        return self._gmacs / self.answered if self.answered and self._gmacs is not None else None

    @property
    def exit_shares(self) -> dict[str, float] | None:
        """By exit, the fraction of those answered that left there; None where nobody is."""
        if not self.answered:
            return None
        return {name: count / self.answered for name, count in self._left_at.items()}

    def record(self) -> dict[str, Any]:
        """All of it, ready for JSON."""
        return {
            'images': self.images,
            'answered': self.answered,
            'gmacs_mean': self.gmacs_mean,
            'exit_shares': self.exit_shares,
        }


class JsonAnswers:
    """One JSON object: what was run, ``images`` with a row each, and a ``summary``."""

    def __init__(self, file: TextIO, head: Mapping[str, Any]):
        self._file = file
        entries = ''.join(f'\n {_json(key)}: {_json(value)},' for key, value in head.items())
        self._file.write(f'{{{entries}\n "images": [')
        self._separator = '\n  '

    def add(self, row: Mapping[str, Any]) -> None:
        """Write one `answer_row`."""
        self._file.write(self._separator + _json(row))
        self._separator = ',\n  '

    def finish(self, summary: AnswerSummary) -> None:
        """Close the object."""
        self._file.write(f'\n ],\n "summary": {_json(summary.record())}\n}}\n')


class CsvAnswers:
    """A row per picture; the columns are `ANSWER_COLUMNS`, empty where there is no value."""

    def __init__(self, file: TextIO, head: Mapping[str, Any]):
        self._writer = csv.DictWriter(file, ANSWER_COLUMNS, lineterminator='\n')
        self._writer.writeheader()

    def add(self, row: Mapping[str, Any]) -> None:
        """Write one `answer_row`."""
        self._writer.writerow(row)

    def finish(self, summary: AnswerSummary) -> None:
        """Nothing is left to say."""


def _json(value: Any) -> str:
    return json.dumps(value, allow_nan=False)
