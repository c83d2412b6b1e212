"""An inferencer's answers as files, JSON or CSV, written one by one as they come."""

import contextlib
import csv
import json
import os
import shutil
import tempfile
from collections import Counter
from collections.abc import Iterator, Mapping
from typing import Any, Protocol, TextIO

from ..atomic_files import atomic_path
from .sample_kinds import SampleKind

_COLUMNS = {
    'label': 'pred_label',
    'class': 'pred_class',
    'score': 'pred_score',
    'confidence': 'confidence',
    'exit': 'exit_name',
    'gmacs': 'gmacs',
    'error': 'error',
}


def answer_columns(kind: SampleKind) -> tuple[str, ...]:
    """What is said of each sample, in this order; the first is the sample itself."""
    return (kind.column, *_COLUMNS)


def answer_row(answer: Mapping[str, Any], kind: SampleKind) -> dict[str, Any]:
    """An answer of `DynamicInferencer` without the scores of all classes, by `answer_columns`."""
    source = answer['source']
    path = None if source is None else readable_path(source)
    return {kind.column: path} | {column: answer[key] for column, key in _COLUMNS.items()}


def readable_path(path: str) -> str:
    """A path as text that any file can hold; bytes that are no UTF-8 are written as ``\\xff``."""
    return os.fsencode(path).decode('utf-8', 'backslashreplace')


class Summary(Protocol):
    """What several answers come to."""

    samples: int

    @property
    def answered(self) -> int:
        """Number of samples that got an answer."""

    def add(self, row: Mapping[str, Any]) -> None:
        """Count one row."""

    def record(self) -> dict[str, Any]:
        """All of it, ready for JSON."""


class AnswerSummary:
    """What several answers come to.

    Args:
        exit_names: The exits of the network.
        kind: What was answered.

    Attributes:
        samples: Number of pictures or videos.
        answered: Number of those that got an answer.
    """

    def __init__(self, exit_names: tuple[str, ...], kind: SampleKind):
        self._kind = kind
        self._left_at: Counter[str] = Counter(dict.fromkeys(exit_names, 0))
        self._gmacs: float | None = 0.0
        self.samples = 0

    def add(self, row: Mapping[str, Any]) -> None:
        """Count one `answer_row`."""
        self.samples += 1
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
            f'{self._kind.column}s': self.samples,
            'answered': self.answered,
            'gmacs_mean': self.gmacs_mean,
            'exit_shares': self.exit_shares,
        }


class JsonAnswers:
    """One JSON object: what was run, ``images`` or ``videos`` with a row each, a ``summary``."""

    def __init__(self, file: TextIO, head: Mapping[str, Any], kind: SampleKind):
        self._file = file
        entries = ''.join(f'\n {_json(key)}: {_json(value)},' for key, value in head.items())
        self._file.write(f'{{{entries}\n "{kind.column}s": [')
        self._separator = '\n  '

    def add(self, row: Mapping[str, Any]) -> None:
        """Write one row."""
        self._file.write(self._separator + _json(row))
        self._separator = ',\n  '

    def finish(self, summary: Summary) -> None:
        """Close the object."""
        self._file.write(f'\n ],\n "summary": {_json(summary.record())}\n}}\n')


class CsvAnswers:
    """A row per sample; the columns are `answer_columns`, empty where there is no value."""

    def __init__(self, file: TextIO, head: Mapping[str, Any], kind: SampleKind):
        self._writer = csv.DictWriter(file, answer_columns(kind), lineterminator='\n')
        self._writer.writeheader()

    def add(self, row: Mapping[str, Any]) -> None:
        """Write one `answer_row`."""
        self._writer.writerow(row)

    def finish(self, summary: AnswerSummary) -> None:
        """Nothing is left to say."""


@contextlib.contextmanager
def opened(path: str, stdout: TextIO) -> Iterator[TextIO]:
    """A file to write to that appears whole or not at all; ``-`` is stdout."""
    if path == '-':
        with tempfile.TemporaryFile('w+', encoding='utf-8', newline='') as file:
            yield file
            file.seek(0)
            shutil.copyfileobj(file, stdout)
        return
    with atomic_path(path) as temporary, open(temporary, 'w', encoding='utf-8', newline='') as file:
        yield file


def _json(value: Any) -> str:
    return json.dumps(value, allow_nan=False)
