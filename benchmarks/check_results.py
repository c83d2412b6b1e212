"""Looking for results that cannot be, by arithmetic or by what the exit tables say."""

import hashlib
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from dynp_plugins.early_exit import NEVER, ExitTable, check_disjoint, choose_exits, class_means
from dynp_plugins.errors import UserError

from .curve_records import CurvePoint, ExitRecord
from .detection.check import check_detector
from .interval import Interval
from .results import ACTION, CLASSIFICATION, ModelResult, read_results

TOLERANCE = 1e-6
"""Relative, for sums of floating-point numbers."""

SIZES = {CLASSIFICATION: 3, ACTION: 4}
"""How many numbers the shape of a sample has, by task."""


def table_name(model: str, split: str) -> str:
    """File name of an exit table in a report's folder."""
    return f'{model}_{split}.npz'


def check_folder(folder: str | Path) -> list[str]:
    """Problems of the report in a folder, one line each; empty if nothing impossible was found.

    Args:
        folder: What ``tools/budget_curve.py --out`` wrote.

    Raises:
        UserError: There is no ``results.json``, or it cannot be read.
    """
    folder = Path(folder)
    results = read_results(folder / 'results.json')
    problems = []
    for model in results.models:
        found = [*_check_record(model), *_check_tables(model, folder / 'tables')]
        problems += [f'{model.name}: {problem}' for problem in found]
    for detector in results.detectors:
        found = check_detector(detector, folder / 'tables')
        problems += [f'{detector.name}: {problem}' for problem in found]
    return problems


def _check_record(model: ModelResult) -> Iterator[str]:
    """What the record alone gives away."""
    yield from _check_input(model)
    costs = [exit.gmacs for exit in model.exits]
    for before, after in zip(model.exits, model.exits[1:], strict=False):
        if after.gmacs <= before.gmacs:
            yield (
                f'exit {after.name} costs {after.gmacs:g} GMACs in all, no more than '
                f'{before.name} before it ({before.gmacs:g}): cumulative cost cannot fall'
            )
    if model.calibration.sha256 == model.test.sha256:
        yield 'the calibration split is the test split: thresholds were chosen on test data'
    for exit in model.exits:
        yield from _check_accuracies(exit)
        samples = sum(one.samples for one in exit.reliability)
        if samples != model.test.samples:
            yield (
                f'the reliability bins of exit {exit.name} hold {samples} samples, but the test '
                f'split has {model.test.samples}'
            )
    for point in (*model.points, *(one.point for one in model.operating_points)):
        where = f'at the budget of {point.target_gmacs:g} GMACs'
        for problem in _check_point(point, model, costs):
            yield f'{where} {problem}'


def _check_input(model: ModelResult) -> Iterator[str]:
    """The shape of a sample against the task and against the frames that are seen together."""
    shape, together = model.input_shape, model.frames_per_clip
    if model.task not in SIZES:
        yield f'the task {model.task!r} is none of {", ".join(SIZES)}'
        return
    if len(shape) != SIZES[model.task] or min(shape) < 1:
        yield (
            f'a sample of {model.task} has {SIZES[model.task]} sizes of at least 1, but the input '
            f'is {shape}'
        )
        return
    frames = shape[0] if len(shape) == 4 else 1
    if together < 1 or frames % together:
        yield (
            f'the network sees {together} frames together, but a sample has {frames}: these are no '
            'whole number of views'
        )


def _check_accuracies(exit: ExitRecord) -> Iterator[str]:
    """Accuracies and intervals that are none, or contradict each other."""
    top1, top5 = exit.test_top1_percent, exit.test_top5_percent
    mean_class = exit.mean_class_percent
    for what, numbers in (
        ('top-1', [top1]),
        ('top-5', [] if top5 is None else [top5]),
        ('mean class', [mean_class]),
        ('interval of the top-1', _ends(exit.test_top1_interval)),
        ('interval of the mean class', _ends(exit.mean_class_interval)),
    ):
        rising = [-TOLERANCE, *numbers, 100 + TOLERANCE]
        if rising != sorted(rising):
            said = ' to '.join(f'{number:g}' for number in numbers)
            yield f'the {what} accuracy of exit {exit.name} is {said} %, which cannot be'
    if top5 is not None and top5 < top1 - TOLERANCE:
        yield f'exit {exit.name} has {top5:g} % top-5 accuracy, less than its top-1, {top1:g} %'
    at_ends = [[abs(value - end) < TOLERANCE for end in (0, 100)] for value in (top1, mean_class)]
    if at_ends[0] != at_ends[1]:
        yield (
            f'exit {exit.name} has {top1:g} % top-1 and {mean_class:g} % mean class accuracy: if '
            'all samples are right, or none, so are all classes'
        )


def _ends(interval: Interval) -> list[float]:
    return [interval.low, interval.high]


def _check_point(point: CurvePoint, model: ModelResult, costs: list[float]) -> Iterator[str]:
    names = [exit.name for exit in model.exits]
    if list(point.exit_shares) != names:
        yield f'shares are given for {list(point.exit_shares)}, but the exits are {names}'
        return
    shares = np.array(list(point.exit_shares.values()))
    if abs(shares.sum() - 1) > TOLERANCE or (shares < 0).any():
        yield f'the exit shares sum to {shares.sum():g}, not to 1, or one is negative'
    if not costs[0] * (1 - TOLERANCE) <= point.gmacs_mean <= costs[-1] * (1 + TOLERANCE):
        yield (
            f'the mean cost is {point.gmacs_mean:g} GMACs, outside what the exits cost: '
            f'{costs[0]:g} to {costs[-1]:g}'
        )
    elif abs(shares @ costs - point.gmacs_mean) > TOLERANCE * costs[-1]:
        yield (
            f'the mean cost is {point.gmacs_mean:g} GMACs, but the shares make it '
            f'{shares @ costs:g}'
        )
    if point.top1_percent > model.statistics.oracle_top1_percent + 100 * TOLERANCE:
        yield (
            f'the accuracy is {point.top1_percent:g} %, above the oracle, '
            f'{model.statistics.oracle_top1_percent:g} %'
        )
    counts = shares * model.test.samples
    if (np.abs(counts - counts.round()) > 1e-3).any():
        yield f'the exit shares are no whole numbers of the {model.test.samples} test samples'


def _check_tables(model: ModelResult, folder: Path) -> Iterator[str]:
    """What the exit tables say against the record."""
    tables = {}
    for record in (model.calibration, model.test):
        name = table_name(model.name, record.name)
        try:
            table = tables[record.name] = ExitTable.load(folder / name)
        except UserError as error:
            yield str(error)
            continue
        if len(table) != record.samples:
            yield f'{name} has {len(table)} samples, but the split has {record.samples}'
        samples = hashlib.sha256(table.picture.tobytes()).hexdigest()
        if samples != record.sha256:
            yield f'{name} holds other samples than results.json says, by their SHA-256'
        expected = {
            'index_sha256': record.sha256,
            'exit_gmacs': [exit.gmacs for exit in model.exits],
            'config_sha256': model.config.sha256,
            'weights_sha256': model.checkpoint.sha256,
        }
        for key, value in expected.items():
            if table.manifest.get(key) != value:
                yield f'{name} has another {key} than results.json: it belongs to another run'
    if len(tables) == 2:
        try:
            check_disjoint(*tables.values())
        except UserError as error:
            yield str(error)
    test = tables.get(model.test.name)
    if test is not None and len(test) == model.test.samples:
        yield from _check_against_table(model, test)


def _check_against_table(model: ModelResult, test: ExitTable) -> Iterator[str]:
    """Recompute every point of the curve."""
    rows, names = np.arange(len(test)), [exit.name for exit in model.exits]
    said = [exit.test_top1_percent for exit in model.exits]
    if len(said) == test.correct.shape[1] and not np.allclose(said, test.topk_percent(1)):
        yield (
            f'the exits are said to have {said} % accuracy, the exit table gives '
            f'{test.topk_percent(1).tolist()}'
        )
    said = [exit.mean_class_percent for exit in model.exits]
    if len(said) == test.correct.shape[1]:
        found = class_means(100 * test.correct, test.label)
        if not np.allclose(said, found):
            yield (
                f'the exits are said to have {said} % mean class accuracy, the exit table gives '
                f'{found.tolist()}'
            )
    if test.manifest['exit_names'] != names:
        yield f'the exit table has the exits {test.manifest["exit_names"]}, not {names}'
        return
    curve = [(model.confidence, point) for point in model.points]
    single = [(one.measure, one.point) for one in model.operating_points]
    for measure, point in curve + single:
        thresholds = [point.thresholds.get(name) for name in names]
        thresholds = np.array([NEVER if value is None else value for value in thresholds])
        exits = choose_exits(test.confidence(measure), thresholds.astype(np.float32))
        accuracy = 100 * test.correct[rows, exits].mean()
        shares = np.bincount(exits, minlength=len(names)) / len(test)
        said = np.array([point.exit_shares.get(name, np.nan) for name in names])
        if abs(accuracy - point.top1_percent) > 1e-6 or not np.allclose(shares, said):
            yield (
                f'at the budget of {point.target_gmacs:g} GMACs the exit table gives '
                f'{accuracy:.4f} % and the shares {shares.round(4).tolist()}, results.json '
                f'{point.top1_percent:.4f} % and {said.round(4).tolist()}'
            )
