"""The numbers as tables: a row per budget, and a short text for the terminal."""

import textwrap
from pathlib import Path

import numpy as np
import pandas as pd

from benchmarks.curve_records import CurvePoint
from benchmarks.interval import Interval
from benchmarks.results import ModelResult, Results
from dynp_plugins.atomic_files import atomic_path

from .axes import CostUnit, check_drawable, cost_unit
from .comparisons import pair_finding
from .detection.tables import detection_summary
from .findings import model_finding
from .labels import exit_names, one_line, series_names
from .latency import latency_finding
from .panels import panel_of
from .sample_words import frames_finding
from .text_tables import aligned_rows
from .times import timed_batches

TEXTS = ('model', 'source', 'policy', 'method', 'measure')
"""Columns of `curve_frame` that are no numbers."""


def has_curves(results: Results) -> bool:
    """Whether there is a model, and so anything to write; detectors have a table of their own."""
    return bool(results.models)


def curve_frame(results: Results) -> pd.DataFrame:
    """One row per model and budget, plain numbers with their units in the column names.

    Columns: ``model``, ``source``, ``policy`` (empty on the curve; the name of a single policy
    beside it), ``method`` and ``measure`` of its thresholds, ``target_gmacs``,
    ``calibration_gmacs_mean``, ``calibration_top1_percent``, ``gmacs_mean``, ``gflops_mean`` (2 per
    MAC), ``top1_percent`` and ``random_top1_percent``; ``gmacs_mean_low``, ``gmacs_mean_high``,
    ``top1_percent_low`` and ``top1_percent_high`` are the ends of 95 % intervals.

    Then for every exit of any model ``share_EXIT`` (fraction of the test split),
    ``exit_top1_percent_EXIT`` (accuracy among those who left there) and, but for last exits,
    ``threshold_EXIT``. They are NaN where the model has no such exit; a threshold and an accuracy
    also where nobody leaves.
    """
    exits = exit_names(results)
    with_threshold = {
        name for model in results.models for point in model.points for name in point.thresholds
    }
    rows = []
    for name, model in zip(series_names(results), results.models, strict=True):
        shared = {'model': name, 'source': model.source}
        for point in model.points:
            kind = {'policy': '', 'method': model.method, 'measure': model.confidence}
            rows.append(shared | kind | _row(point, exits, with_threshold))
        for one in model.operating_points:
            kind = {'policy': one.name, 'method': one.method, 'measure': one.measure}
            rows.append(shared | kind | _row(one.point, exits, with_threshold))
    return _numeric(pd.DataFrame(rows))


def _row(point: CurvePoint, exits: list[str], with_threshold: set[str]) -> dict:
    """The numbers of one budget."""
    return {
        'target_gmacs': point.target_gmacs,
        'calibration_gmacs_mean': point.calibration_gmacs_mean,
        'calibration_top1_percent': point.calibration_top1_percent,
        'gmacs_mean': point.gmacs_mean,
        'gmacs_mean_low': point.gmacs_interval.low,
        'gmacs_mean_high': point.gmacs_interval.high,
        'gflops_mean': 2 * point.gmacs_mean,
        'top1_percent': point.top1_percent,
        'top1_percent_low': point.top1_interval.low,
        'top1_percent_high': point.top1_interval.high,
        'random_top1_percent': point.random_top1_percent,
        **{f'share_{exit}': point.exit_shares.get(exit) for exit in exits},
        **{f'exit_top1_percent_{exit}': point.exit_top1_percent.get(exit) for exit in exits},
        **{
            f'threshold_{exit}': point.thresholds.get(exit)
            for exit in exits
            if exit in with_threshold
        },
    }


def _numeric(frame: pd.DataFrame) -> pd.DataFrame:
    """Make every column that is no text a float column, also where all of it is missing."""
    return frame.astype({column: float for column in frame.columns if column not in TEXTS})


def write_curve_csv(results: Results, path: str | Path) -> None:
    """Write `curve_frame` as CSV with full precision; missing values are empty.

    Raises:
        UserError: The file cannot be written.
    """
    with atomic_path(path) as temporary:
        curve_frame(results).to_csv(
            temporary, index=False, lineterminator='\n', encoding='utf-8', errors='replace'
        )


def shown_points(model: ModelResult, count: int) -> list[CurvePoint]:
    """At most ``count`` points, about evenly spaced in mean cost, the two ends among them."""
    points = sorted(model.points, key=lambda point: point.gmacs_mean)
    costs = np.array([point.gmacs_mean for point in points])
    wanted = np.linspace(costs[0], costs[-1], count)
    nearest = np.abs(costs[None] - wanted[:, None]).argmin(1)
    return [points[i] for i in dict.fromkeys(nearest.tolist())]


def terminal_summary(results: Results) -> str:
    """A few lines per model: what its curve says, its exits, and five budgets along the curve.

    Then a sentence for every pair of models that was compared, and the same of the detectors.

    Raises:
        UserError: The results hold no curve.
    """
    check_drawable(results)
    blocks = [
        _summary(one_line(name, 90), model, cost_unit(results, panel_of(i, results).models))
        for i, (name, model) in enumerate(zip(series_names(results), results.models, strict=True))
    ]
    found = [pair_finding(comparison, results) for comparison in results.comparisons]
    blocks += ['\n'.join(_wrapped(sentence) for sentence in found)] if found else []
    return '\n\n'.join([*blocks, *detection_summary(results)])


def _wrapped(sentence: str) -> str:
    return textwrap.fill(sentence, 100, subsequent_indent='  ', break_on_hyphens=False)


def _summary(name: str, model: ModelResult, unit: CostUnit) -> str:
    """One model's lines."""
    exits = [[f'every {unit.sample} at', unit.macs, 'top-1 %', '95 % interval']]
    has_top5 = model.exits[0].test_top5_percent is not None
    exits[0] += ['top-5 %', 'mean class %'] if has_top5 else ['mean class %']
    for exit in model.exits:
        row = [one_line(exit.name, 24), unit.number(exit.gmacs), f'{exit.test_top1_percent:.2f}']
        row.append(_interval(exit.test_top1_interval))
        row += [f'{exit.test_top5_percent:.2f}'] if has_top5 else []
        exits.append([*row, f'{exit.mean_class_percent:.2f}'])
    names = [one_line(exit.name, 12) for exit in model.exits]
    budgets = [['own exit; shares in %', unit.macs, 'top-1 %', '95 % interval', *names]]
    shown = [(f'target {unit.number(p.target_gmacs)}', p) for p in shown_points(model, 5)]
    shown += [(one_line(one.name, 36), one.point) for one in model.operating_points]
    for label, point in shown:
        shares = [f'{100 * point.exit_shares[exit.name]:.0f}' for exit in model.exits]
        row = [label, unit.number(point.gmacs_mean), f'{point.top1_percent:.2f}']
        budgets.append([*row, _interval(point.top1_interval), *shares])
    lines = [_wrapped(f'{name}: {model_finding(model, unit)}')]
    lines += [_wrapped(f'  {frames}')] if (frames := frames_finding([model], [name])) else []
    lines += [*aligned_rows(exits), *aligned_rows(budgets)]
    said = [latency_finding(model, batch.batch_size) for batch in timed_batches(model)]
    return '\n'.join([*lines, *(_wrapped(f'  {sentence}') for sentence in said if sentence)])


def _interval(interval: Interval) -> str:
    return f'{interval.low:.2f} to {interval.high:.2f}'
