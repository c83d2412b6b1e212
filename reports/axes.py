"""Units and ranges of the axes, chosen from the data."""

import math
from dataclasses import dataclass

from benchmarks.results import Results
from dynp_plugins.errors import UserError

ACCURACY_TITLE = 'Top-1 accuracy (%)'


@dataclass(frozen=True)
class CostUnit:
    """What costs are shown in; files always say GMACs.

    Attributes:
        macs: ``GMACs`` or ``MMACs``.
        flops: The same for FLOPs.
        per_giga: Multiplies a number of GMACs or GFLOPs.
        decimals: Of all costs in a table's column: three significant digits for the cheapest exit.
    """

    macs: str
    flops: str
    per_giga: float
    decimals: int

    @property
    def axis_title(self) -> str:
        """Title of the cost axis."""
        return f'Multiply-adds per image, mean over the test split ({self.macs})'

    def number(self, giga: float) -> str:
        """A cost in this unit, as tables show it."""
        return f'{giga * self.per_giga:.{self.decimals}f}'

    def cost(self, gmacs: float) -> str:
        """Number and unit, as sentences show it: three significant digits, no power of ten."""
        value = gmacs * self.per_giga
        return f'{value:.{_decimals(value)}f} {self.macs}'


def cost_unit(results: Results) -> CostUnit:
    """MMACs where everything costs less than 0.1 GMACs, else GMACs."""
    costs = [exit.gmacs for model in results.models for exit in model.exits] or [0.0]
    if max(costs) < 0.1:
        return CostUnit('MMACs', 'MFLOPs', 1000.0, min(_decimals(1000 * min(costs)), 4))
    return CostUnit('GMACs', 'GFLOPs', 1.0, min(_decimals(min(costs)), 4))


def _decimals(value: float) -> int:
    """How many decimals give three significant digits."""
    return min(max(2 - math.floor(math.log10(abs(value))), 0), 9) if value else 0


def check_drawable(results: Results) -> None:
    """Refuse results without a curve.

    Raises:
        UserError: There is no model, or one without exits or points; the message names it.
    """
    if not results.models:
        raise UserError('the results hold no model, so there is nothing to draw')
    for model in results.models:
        for what in ('exits', 'points'):
            if not getattr(model, what):
                raise UserError(
                    f'the results of {model.name!r} hold no {what}, so it has no curve: '
                    'run tools/budget_curve.py again'
                )


def axis_ranges(results: Results) -> tuple[tuple[float, float], tuple[float, float]]:
    """((lowest, highest) cost in the shown unit, (lowest, highest) accuracy in percent).

    Everything that is drawn lies inside with a margin; accuracy stays within 0 to 100, but for
    enough room to show a whole mark.
    """
    scale = cost_unit(results).per_giga
    costs = [exit.gmacs * scale for model in results.models for exit in model.exits]
    costs += [point.gmacs_mean * scale for model in results.models for point in model.points]
    accuracies = [exit.test_top1_percent for model in results.models for exit in model.exits]
    accuracies += [point.top1_percent for model in results.models for point in model.points]
    x_low, x_high = _widened(costs, 0.07)
    y_low, y_high = _widened(accuracies, 0.1)
    return (max(x_low, 0.0), x_high), (max(y_low, -2.0), min(y_high, 102.0))


def _widened(values: list[float], share: float) -> tuple[float, float]:
    """The range of ``values`` with a margin on both sides, also where they are all equal."""
    low, high = min(values), max(values)
    same = high - low <= 1e-6 * abs(high)
    margin = (0.1 * abs(high) or 1.0) if same else share * (high - low)
    return low - margin, high + margin
