"""The numbers as tables: a row per budget, and a short text for the terminal."""

from pathlib import Path

import numpy as np
import pandas as pd

from benchmarks.results import CurvePoint, ModelResult, Results
from dynp_plugins.atomic_files import atomic_path

from .axes import CostUnit, check_drawable, cost_unit
from .findings import model_finding
from .labels import exit_names, one_line, series_names


def curve_frame(results: Results) -> pd.DataFrame:
    """One row per model and budget, plain numbers with their units in the column names.

    Columns: ``model``, ``source``, ``target_gmacs``, ``calibration_gmacs_mean``,
    ``calibration_top1_percent``, ``gmacs_mean``, ``gflops_mean`` (2 per MAC), ``top1_percent``;
    then for every exit of any model ``share_EXIT`` (fraction of the test split) and, but for last
    exits, ``threshold_EXIT``. A share is NaN where the model has no such exit; a threshold also
    where nobody leaves.
    """
    exits = exit_names(results)
    with_threshold = {
        name for model in results.models for point in model.points for name in point.thresholds
    }
    rows = [
        {
            'model': name,
            'source': model.source,
            'target_gmacs': point.target_gmacs,
            'calibration_gmacs_mean': point.calibration_gmacs_mean,
            'calibration_top1_percent': point.calibration_top1_percent,
            'gmacs_mean': point.gmacs_mean,
            'gflops_mean': 2 * point.gmacs_mean,
            'top1_percent': point.top1_percent,
            **{f'share_{exit}': point.exit_shares.get(exit) for exit in exits},
            **{
                f'threshold_{exit}': point.thresholds.get(exit)
                for exit in exits
                if exit in with_threshold
            },
        }
        for name, model in zip(series_names(results), results.models, strict=True)
        for point in model.points
    ]
    return _numeric(pd.DataFrame(rows))


def _numeric(frame: pd.DataFrame) -> pd.DataFrame:
    """Make every column that is no text a float column, also where all of it is missing."""
    texts = {'model', 'source'}
    return frame.astype({column: float for column in frame.columns if column not in texts})


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

    Raises:
        UserError: The results hold no curve.
    """
    check_drawable(results)
    unit = cost_unit(results)
    blocks = [
        _summary(one_line(name, 90), model, unit)
        for name, model in zip(series_names(results), results.models, strict=True)
    ]
    return '\n\n'.join(blocks)


def _summary(name: str, model: ModelResult, unit: CostUnit) -> str:
    """One model's lines."""
    exits = [['every image at', unit.macs, 'top-1 %']]
    for exit in model.exits:
        row = [one_line(exit.name, 24), unit.number(exit.gmacs), f'{exit.test_top1_percent:.2f}']
        exits.append(row)
    names = [one_line(exit.name, 12) for exit in model.exits]
    budgets = [['each at its own exit', unit.macs, 'top-1 %', *(f'{name} %' for name in names)]]
    for point in shown_points(model, 5):
        shares = [f'{100 * point.exit_shares[exit.name]:.0f}' for exit in model.exits]
        cost, accuracy = unit.number(point.gmacs_mean), f'{point.top1_percent:.2f}'
        budgets.append([f'target {unit.number(point.target_gmacs)}', cost, accuracy, *shares])
    return '\n'.join(
        [f'{name}: {model_finding(model, unit)}', *_aligned(exits), *_aligned(budgets)]
    )


def _aligned(rows: list[list[str]]) -> list[str]:
    """Rows of text as lines: the first column to the left, numbers to the right."""
    widths = [max(len(row[i]) for row in rows) for i in range(len(rows[0]))]
    widths[0] = max(widths[0], 20)
    lines = []
    for row in rows:
        cells = [row[0].ljust(widths[0])]
        cells += [cell.rjust(width) for cell, width in zip(row[1:], widths[1:], strict=True)]
        lines.append('  ' + '  '.join(cells).rstrip())
    return lines
