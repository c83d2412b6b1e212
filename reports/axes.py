"""Units and ranges of the axes, chosen from the data."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from benchmarks.results import ModelResult, Results
from dynp_plugins.errors import UserError

from .panels import sample_word
from .published import PublishedCurve

ACCURACY_TITLE = 'Top-1 accuracy (%)'


@dataclass(frozen=True)
class CostUnit:
    """What costs are shown in; files always say GMACs.

    Attributes:
        macs: ``GMACs`` or ``MMACs``.
        flops: The same for FLOPs.
        per_giga: Multiplies a number of GMACs or GFLOPs.
        decimals: Of all costs in a table's column: three significant digits for the cheapest exit.
        sample: What the cost is of: ``image`` or ``video``.
    """

    macs: str
    flops: str
    per_giga: float
    decimals: int
    sample: str = 'image'

    @property
    def axis_title(self) -> str:
        """Title of the cost axis."""
        return f'Multiply-adds per {self.sample}, mean over the test split ({self.macs})'

    def number(self, giga: float) -> str:
        """A cost in this unit, as tables show it."""
        return f'{giga * self.per_giga:.{self.decimals}f}'

    def cost(self, gmacs: float) -> str:
        """Number and unit, as sentences show it: three significant digits, no power of ten."""
        value = gmacs * self.per_giga
        return f'{value:.{three_digits(value)}f} {self.macs}'

    def exact(self, gmacs: float) -> str:
        """Number and unit with all digits that a published number has."""
        return f'{gmacs * self.per_giga:.9g} {self.macs}'


def cost_unit(results: Results, models: Sequence[ModelResult] | None = None) -> CostUnit:
    """MMACs where everything costs less than 0.1 GMACs, else GMACs.

    Args:
        results: What was measured.
        models: Those that are shown together; all by default.
    """
    models = results.models if models is None else models
    costs = [exit.gmacs for model in models for exit in model.exits]
    return unit_of(costs or [0.0], sample_word(models))


def unit_of(costs: Sequence[float], sample: str) -> CostUnit:
    """The unit that suits some costs in GMACs; see `cost_unit`."""
    if max(costs) < 0.1:
        return CostUnit('MMACs', 'MFLOPs', 1000.0, min(three_digits(1000 * min(costs)), 4), sample)
    return CostUnit('GMACs', 'GFLOPs', 1.0, min(three_digits(min(costs)), 4), sample)


def three_digits(value: float) -> int:
    """How many decimals give three significant digits."""
    return min(max(2 - math.floor(math.log10(abs(value))), 0), 9) if value else 0


def check_drawable(results: Results) -> None:
    """Refuse results without a curve.

    Raises:
        UserError: There is neither a model nor a detector, or one without exits or points; the
            message names it.
    """
    if not results.models and not results.detectors:
        raise UserError('the results hold no model, so there is nothing to draw')
    parts = [(model, ('exits', 'points')) for model in results.models]
    parts += [(detector, ('points',)) for detector in results.detectors]
    for one, needed in parts:
        for what in needed:
            if not getattr(one, what):
                raise UserError(
                    f'the results of {one.name!r} hold no {what}, so it has no curve: '
                    'run tools/budget_curve.py again'
                )


def axis_ranges(
    results: Results,
    models: Sequence[ModelResult] | None = None,
    published: Sequence[PublishedCurve] = (),
) -> tuple[tuple[float, float], tuple[float, float]]:
    """((lowest, highest) cost in the shown unit, (lowest, highest) accuracy in percent).

    Everything that was measured lies inside with a margin, intervals included. Published curves
    are shown where they cost as much as what was measured. Accuracy stays within 0 to 100, but for
    enough room to show a whole mark.

    Args:
        results: What was measured.
        models: Those that are drawn; all by default.
        published: Published curves that are drawn too.
    """
    models = results.models if models is None else models
    scale = cost_unit(results, models).per_giga
    costs, accuracies = [], []
    for model in models:
        for exit in model.exits:
            costs.append(exit.gmacs * scale)
            interval = exit.test_top1_interval
            accuracies += [exit.test_top1_percent, interval.low, interval.high]
        for point in (*model.points, *(one.point for one in model.operating_points)):
            costs.append(point.gmacs_mean * scale)
            interval = point.top1_interval
            accuracies += [point.top1_percent, interval.low, interval.high]
    x_low, x_high = widened(costs, 0.07)
    for curve in published:
        accuracies += published_between(curve, x_low / scale, x_high / scale)
    y_low, y_high = widened(accuracies, 0.1)
    return (max(x_low, 0.0), x_high), (max(y_low, -2.0), min(y_high, 102.0))


def published_between(curve: PublishedCurve, low: float, high: float) -> list[float]:
    """Accuracies of a published curve from one cost to another, in GMACs; empty for none."""
    costs, accuracies = np.array(curve.points).T
    shown = (costs >= low) & (costs <= high)
    ends = np.array([end for end in (low, high) if costs[0] <= end <= costs[-1]])
    at_ends = np.interp(ends, costs, accuracies) if not curve.exits else []
    return [*accuracies[shown].tolist(), *map(float, at_ends)]


def widened(values: list[float], share: float) -> tuple[float, float]:
    """The range of ``values`` with a margin on both sides, also where they are all equal."""
    low, high = min(values), max(values)
    same = high - low <= 1e-6 * abs(high)
    margin = (0.1 * abs(high) or 1.0) if same else share * (high - low)
    return low - margin, high + margin
