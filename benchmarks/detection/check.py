"""Looking for results of detectors that cannot be, by arithmetic or by what the tables say."""

import hashlib
from collections.abc import Iterator
from dataclasses import fields
from pathlib import Path

import numpy as np

from dynp_plugins.early_exit import check_disjoint
from dynp_plugins.errors import UserError

from ..detection_records import PARTS, DetectionMetrics, DetectorResult, PartCost, ScalePoint
from ..interval import Interval
from ..run_records import SplitRecord
from .coco_metrics import evaluate
from .map_bootstrap import map_draws
from .operating_points import MeasuredScale, scale_points
from .scales import scale_name
from .table import DetectionTable, detection_table_name

TOLERANCE = 1e-6
"""Relative, of costs; and in percent, of average precision."""


def check_detector(detector: DetectorResult, tables: Path) -> Iterator[str]:
    """Problems of one detector, one line each.

    Args:
        detector: As in ``results.json``.
        tables: Folder of its detection tables.
    """
    if detector.calibration.sha256 == detector.test.sha256:
        yield 'the calibration split is the test split: scales were chosen on test data'
    for point in detector.points:
        problems = [*_check_costs(point), *_check_precision(point, detector.classes)]
        yield from _at(point, problems)
    if not detector.points:
        yield 'there is no operating point'
        return
    yield from _check_order(detector.points)
    measured = []
    for point in detector.points:
        pair, problems = _read_tables(detector, point, tables)
        yield from _at(point, problems)
        if len(pair) == 2:
            measured.append(_measured(point, *pair))
    if len(measured) == len(detector.points):
        yield from _check_against_tables(detector.points, measured)


def _at(point: ScalePoint, problems: list[str]) -> Iterator[str]:
    yield from (f'at {scale_name(point.scale)} {problem}' for problem in problems)


def _check_costs(point: ScalePoint) -> Iterator[str]:
    """Parts against the whole, means against extremes."""
    if [part.part for part in point.parts] != list(PARTS):
        yield f'the parts are {[part.part for part in point.parts]}, not {list(PARTS)}'
    sums = sum(part.gmacs_mean for part in point.parts)
    if not np.isclose(sums, point.gmacs_mean, rtol=TOLERANCE, atol=0):
        yield f'the parts cost {sums:g} GMACs together, but the whole {point.gmacs_mean:g}'
    for one in (*point.parts, point):
        what = f'the {one.part}' if isinstance(one, PartCost) else 'the whole'
        slack = TOLERANCE * abs(one.gmacs_max)
        rising = [-slack, one.gmacs_min, one.gmacs_mean + slack, one.gmacs_max + 2 * slack]
        if rising != sorted(rising) or one.gmacs_std < 0:
            yield (
                f'{what} costs {one.gmacs_min:g} to {one.gmacs_max:g} GMACs, {one.gmacs_mean:g} '
                f'on average with a deviation of {one.gmacs_std:g}, which cannot be'
            )
        if isinstance(one, PartCost) and one.with_norm_gmacs_mean < one.gmacs_mean - slack:
            yield f'{what} costs less with its normalisation layers than without'
    if point.calibration_gmacs_mean <= 0:
        yield f'the cost on the calibration split is {point.calibration_gmacs_mean:g} GMACs'


def _check_precision(point: ScalePoint, classes: list[str]) -> Iterator[str]:
    """Average precision that is none, and classes that do not make the mean."""
    numbers = [*_values(point.test), *_values(point.calibration)]
    numbers += [value for one in point.classes for value in (one.ap_percent, one.ap50_percent)]
    for interval in (point.map_interval, point.ap50_interval):
        numbers += _ends(interval)
        if interval is not None and interval.low > interval.high:
            yield f'an interval goes from {interval.low:g} to {interval.high:g} %'
    wrong = [n for n in numbers if n is not None and not -TOLERANCE <= n <= 100 + TOLERANCE]
    if wrong:
        yield f'an average precision is {wrong[0]:g} %'
    if [one.name for one in point.classes] != classes:
        yield f'the classes are {[one.name for one in point.classes]}, not {classes}'
    of_classes = [one.ap_percent for one in point.classes if one.ap_percent is not None]
    mean = float(np.mean(of_classes)) if of_classes else None
    if not _same(mean, point.test.map_percent):
        yield f'the classes make {mean} % mAP, but it is said to be {point.test.map_percent} %'
    for one in point.classes:
        if (one.objects > 0) != (one.ap_percent is not None):
            yield f'the class {one.name} has {one.objects} objects and {one.ap_percent} % AP'


def _check_order(points: list[ScalePoint]) -> Iterator[str]:
    """By rising cost, and chosen where better than all that is cheaper."""
    costs = [point.calibration_gmacs_mean for point in points]
    if costs != sorted(costs):
        yield f'the operating points are not in the order of their cost: {costs}'
    scales = [point.scale for point in points]
    if any(scale in scales[:i] for i, scale in enumerate(scales)):
        yield f'a scale is there twice: {scales}'


def _read_tables(
    detector: DetectorResult, point: ScalePoint, folder: Path
) -> tuple[list[DetectionTable], list[str]]:
    """The tables of a point, calibration and test, and what is wrong with them."""
    tables, problems = [], []
    for record in (detector.calibration, detector.test):
        name = detection_table_name(detector.name, record.name, point.scale)
        try:
            table = DetectionTable.load(folder / name)
        except UserError as error:
            problems.append(str(error))
            continue
        found = list(_check_origin(table, detector, record, point))
        problems += [f'{name} {problem}' for problem in found]
        if not found:
            tables.append(table)
    if len(tables) == 2:
        try:
            check_disjoint(*tables)
        except UserError as error:
            problems.append(str(error))
    return tables, problems


def _check_origin(
    table: DetectionTable, detector: DetectorResult, record: SplitRecord, point: ScalePoint
) -> Iterator[str]:
    """Whether a table is the one that the record was made from."""
    if len(table) != record.samples:
        yield f'has {len(table)} images, but the split has {record.samples}'
    if hashlib.sha256(table.picture.tobytes()).hexdigest() != record.sha256:
        yield 'holds other images than results.json says, by their SHA-256'
    expected = {
        'index_sha256': record.sha256,
        'scale': point.scale,
        'classes': detector.classes,
        'config_sha256': detector.config.sha256,
        'weights_sha256': detector.checkpoint.sha256,
    }
    for key, value in expected.items():
        if table.manifest.get(key) != value:
            yield f'has another {key} than results.json: it belongs to another run'


def _measured(
    point: ScalePoint, calibration: DetectionTable, test: DetectionTable
) -> MeasuredScale:
    on_calibration, on_test = evaluate(calibration), evaluate(test)
    draws = map_draws(test, on_test.matches)
    return MeasuredScale(tuple(point.scale), calibration, test, on_calibration, on_test, draws)


def _check_against_tables(points: list[ScalePoint], measured: list[MeasuredScale]) -> Iterator[str]:
    """Recompute everything that was measured."""
    for said, found in zip(points, scale_points(measured), strict=True):
        pairs = [
            ('the mAP on the calibration split', said.calibration, found.calibration),
            ('the mAP on the test split', said.test, found.test),
        ]
        problems = []
        for what, one, other in pairs:
            if not all(map(_same, _values(one), _values(other))):
                problems.append(
                    f'{what} and its kin are said to be {_values(one)}, the tables give '
                    f'{_values(other)}'
                )
        for one, other in zip(said.classes, found.classes, strict=False):
            if one.objects != other.objects or not (
                _same(one.ap_percent, other.ap_percent)
                and _same(one.ap50_percent, other.ap50_percent)
            ):
                problems.append(f'the class {one.name} is said to be {one}, but it is {other}')
        for what in ('map_interval', 'ap50_interval'):
            one, other = getattr(said, what), getattr(found, what)
            if not all(map(_same, _ends(one), _ends(other))):
                problems.append(f'{what} is said to be {one}, the tables give {other}')
        problems += _other_costs(said, found)
        if said.chosen != found.chosen:
            problems.append(
                f'chosen is said to be {said.chosen}, the calibration split says {found.chosen}'
            )
        yield from _at(said, problems)


def _other_costs(said: ScalePoint, found: ScalePoint) -> Iterator[str]:
    """Costs that are not those of the tables."""
    names = [field.name for field in fields(ScalePoint) if 'gmacs' in field.name]
    both = [(name, getattr(said, name), getattr(found, name)) for name in names]
    for one, other in zip(said.parts, found.parts, strict=False):
        both += [
            (f'{name} of the {one.part}', getattr(one, name), getattr(other, name))
            for name in (field.name for field in fields(PartCost) if 'gmacs' in field.name)
        ]
    for name, one, other in both:
        if not np.isclose(one, other, rtol=TOLERANCE, atol=TOLERANCE * said.gmacs_max):
            yield f'{name} is said to be {one:g}, the tables give {other:g}'


def _values(metrics: DetectionMetrics) -> list[float | None]:
    return [getattr(metrics, field.name) for field in fields(metrics)]


def _ends(interval: Interval | None) -> list[float | None]:
    return [None, None] if interval is None else [interval.low, interval.high]


def _same(one: float | None, other: float | None) -> bool:
    if one is None or other is None:
        return one is other
    return abs(one - other) <= TOLERANCE
