"""The results schema: what a budget curve is on disk, typed, versioned and checked when read.

Every field says its unit. MACs are multiply-adds of one image, cumulative up to an exit; FLOPs are
2 MACs; accuracies are percent; shares are fractions of the test split.
"""

import dataclasses
import json
import types
import typing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from dynp_plugins.atomic_files import atomic_path
from dynp_plugins.errors import UserError

SCHEMA_VERSION = 2


@dataclass(frozen=True)
class FileRecord:
    """A file that went in: where it was, and the SHA-256 of what it says.

    For a config that is the hash of its merged entries, for a checkpoint that of its weights.
    """

    path: str
    sha256: str


@dataclass(frozen=True)
class SplitRecord:
    """One data split. ``sha256`` is over the pixels of all its samples, in order."""

    name: str
    samples: int
    sha256: str


@dataclass(frozen=True)
class TrainingRecord:
    """How a model was trained, as far as its checkpoint and its config say.

    Attributes:
        dataset: The training data.
        epochs: Finished when the weights were saved; None if the checkpoint does not say.
        optimizer: Its class.
        learning_rate: The highest of the schedule.
        batch_size: Per process.
    """

    dataset: str
    epochs: int | None
    optimizer: str
    learning_rate: float
    batch_size: int


@dataclass(frozen=True)
class ExitRecord:
    """One exit when everybody leaves there ("anytime" accuracy)."""

    name: str
    gmacs: float
    gflops: float
    calibration_top1_percent: float
    test_top1_percent: float
    test_top5_percent: float | None


@dataclass(frozen=True)
class CurvePoint:
    """One budget: thresholds chosen on the calibration split, and what they give on the test split.

    Attributes:
        target_gmacs: The mean cost that was asked for.
        calibration_gmacs_mean: The mean cost on the calibration split.
        calibration_top1_percent: Accuracy on the calibration split, where the thresholds were
            chosen.
        gmacs_mean: The mean cost on the test split.
        top1_percent: Accuracy on the test split.
        exit_shares: By exit, the fraction of the test split that left there.
        thresholds: By exit but the last, the confidence to reach; None where nobody leaves.
    """

    target_gmacs: float
    calibration_gmacs_mean: float
    calibration_top1_percent: float
    gmacs_mean: float
    top1_percent: float
    exit_shares: dict[str, float]
    thresholds: dict[str, float | None]


@dataclass(frozen=True)
class ModelResult:
    """One model's curve.

    Attributes:
        name: Display name.
        source: Where the numbers come from: ``ours`` (trained and measured here).
        weights: ``ema`` (moving average of the weights) or ``raw``.
        training: None for a config without a training recipe.
        confidence: The measure that is compared with the thresholds.
        input_shape: (channels, height, width) the MACs are counted at.
        parameters: Number of trainable parameters.
    """

    name: str
    source: str
    task: str
    dataset: str
    config: FileRecord
    checkpoint: FileRecord
    weights: str
    training: TrainingRecord | None
    calibration: SplitRecord
    test: SplitRecord
    confidence: str
    input_shape: list[int]
    parameters: int
    exits: list[ExitRecord]
    points: list[CurvePoint]


@dataclass(frozen=True)
class Results:
    """All that ``tools/budget_curve.py`` measured in one call.

    Attributes:
        schema_version: `SCHEMA_VERSION`.
        created: UTC time, ISO 8601.
        command: The command line.
        versions: Package name to version; Python too.
        git_commit: Of this project, ``-dirty`` appended where files differ from it; None outside a
            checkout.
        models: In the order they were given.
    """

    schema_version: int
    created: str
    command: str
    versions: dict[str, str]
    git_commit: str | None
    models: list[ModelResult]


def write_results(results: Results, path: str | Path) -> None:
    """Write ``results`` as JSON; the file appears whole or not at all."""
    text = json.dumps(dataclasses.asdict(results), indent=1, allow_nan=False)
    with atomic_path(path) as temporary:
        temporary.write_text(text + '\n', encoding='utf-8')


def read_results(path: str | Path) -> Results:
    """Read and check a results file.

    Raises:
        UserError: Not JSON, another schema version, or an entry that is missing, unknown or of the
            wrong type; the message names it.
    """
    try:
        content = json.loads(Path(path).read_text(encoding='utf-8'))
    except (OSError, ValueError) as error:
        raise UserError(f'{path} is not a results file: {error}') from error
    version = content.get('schema_version') if isinstance(content, dict) else None
    if version != SCHEMA_VERSION:
        raise UserError(
            f'{path} has results schema version {version}, this program reads {SCHEMA_VERSION}: '
            'run tools/budget_curve.py again'
        )
    try:
        return _parse(Results, content, 'results')
    except ValueError as error:
        raise UserError(f'{path}: {error}') from error


def _parse(kind: Any, value: Any, where: str) -> Any:
    """Turn JSON into the type ``kind``; ValueError names the entry that does not fit."""
    origin, arguments = typing.get_origin(kind), typing.get_args(kind)
    if dataclasses.is_dataclass(kind):
        if not isinstance(value, dict):
            raise ValueError(f'{where} is no object')
        hints = typing.get_type_hints(kind)
        for problem, names in (
            ('is missing', hints.keys() - value.keys()),
            ('is unknown', value.keys() - hints.keys()),
        ):
            if names:
                raise ValueError(f'{where}.{min(names)} {problem}')
        return kind(**{k: _parse(hints[k], v, f'{where}.{k}') for k, v in value.items()})
    if origin is list and isinstance(value, list):
        return [_parse(arguments[0], v, f'{where}[{i}]') for i, v in enumerate(value)]
    if origin is dict and isinstance(value, dict):
        return {k: _parse(arguments[1], v, f'{where}.{k}') for k, v in value.items()}
    if origin is types.UnionType:
        return None if value is None else _parse(arguments[0], value, where)
    if kind is float and isinstance(value, int) and not isinstance(value, bool):
        return float(value)
    if isinstance(kind, type) and isinstance(value, kind) and not isinstance(value, bool):
        return value
    raise ValueError(f'{where} is {value!r}, expected {getattr(kind, "__name__", kind)}')
