"""A detector's operating points: accuracy and cost at every input scale, and which to choose.

A scale is chosen under a budget on the calibration split; the test split says what the choice is
worth.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from dynp_plugins.errors import UserError
from dynp_plugins.inference.input_scale import Scale

from ..detection_records import PARTS, PartCost, ScalePoint
from .coco_metrics import Evaluation
from .map_bootstrap import MapDraws, map_interval
from .scales import scale_name
from .table import DetectionTable


@dataclass(frozen=True, eq=False)
class MeasuredScale:
    """A detector at one scale: its tables, and what follows from them."""

    scale: Scale
    calibration: DetectionTable
    test: DetectionTable
    on_calibration: Evaluation
    on_test: Evaluation
    draws: MapDraws = field(repr=False)


def choose_scale(points: Sequence[ScalePoint], budget_gmacs: float = np.inf) -> ScalePoint:
    """The operating point for a budget, chosen on the calibration split.

    Args:
        points: Of one detector.
        budget_gmacs: Total mean cost that is allowed; by default any.

    Returns:
        Of those whose mean cost on the calibration split is within the budget, the one of the
        highest mAP there; the cheaper one where two are alike.

    Raises:
        UserError: None is within the budget.
    """
    order = sorted(points, key=lambda point: point.calibration_gmacs_mean)
    affordable = [point for point in order if point.calibration_gmacs_mean <= budget_gmacs]
    if not affordable:
        raise UserError(
            f'no scale fits into {budget_gmacs:g} GMACs: the cheapest, '
            f'{scale_name(order[0].scale)}, costs {order[0].calibration_gmacs_mean:.4g}'
        )
    return max(affordable, key=lambda point: _or_lowest(point.calibration.map_percent))


def scale_points(measured: Sequence[MeasuredScale]) -> list[ScalePoint]:
    """The operating points of a detector's scales, in the same order, by rising cost."""
    points, best_so_far = [], -np.inf
    for one in measured:
        on_calibration = _or_lowest(one.on_calibration.metrics.map_percent)
        metrics, total = one.on_test.metrics, one.test.macs.sum(1) / 1e9
        points.append(
            ScalePoint(
                scale=list(one.scale),
                calibration_gmacs_mean=float(one.calibration.macs.sum(1).mean() / 1e9),
                calibration=one.on_calibration.metrics,
                chosen=on_calibration > best_so_far,
                gmacs_mean=float(total.mean()),
                gmacs_std=float(total.std()),
                gmacs_min=float(total.min()),
                gmacs_max=float(total.max()),
                parts=part_costs(one.test),
                test=metrics,
                map_interval=map_interval(metrics.map_percent, one.draws.map_percent),
                ap50_interval=map_interval(metrics.ap50_percent, one.draws.ap50_percent),
                classes=one.on_test.classes,
                latency=None,
            )
        )
        best_so_far = max(best_so_far, on_calibration)
    return points


def part_costs(table: DetectionTable) -> list[PartCost]:
    """Of backbone, neck and head, over the table's images."""
    return [
        PartCost(
            part=part,
            gmacs_mean=float(macs.mean()),
            gmacs_std=float(macs.std()),
            gmacs_min=float(macs.min()),
            gmacs_max=float(macs.max()),
            with_norm_gmacs_mean=float((macs + other_ops).mean()),
        )
        for part, macs, other_ops in zip(
            PARTS, table.macs.T / 1e9, table.other_ops.T / 1e9, strict=True
        )
    ]


def _or_lowest(map_percent: float | None) -> float:
    return -np.inf if map_percent is None else map_percent
