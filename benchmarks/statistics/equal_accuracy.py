"""Two models at equal accuracy or at equal cost: "A needs 1.8x fewer MACs than B", and how surely.

Both comparisons read the upper envelopes of the two curves (`envelope.py`) and are refused, with
the reason in words, where one of them says nothing about that accuracy or cost.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from .bootstrap import percentile_interval
from .envelope import Curve, accuracy_at_cost, cost_at_accuracy, upper_envelope


@dataclass(frozen=True)
class CostRatio:
    """What two models cost at the same accuracy.

    Attributes:
        accuracy: Where they are compared.
        cost_a: What A needs for it; None if its curve does not cover it.
        cost_b: What B needs for it.
        ratio: ``cost_b / cost_a``: A needs so many times less. None if refused.
        low: Lower end of the interval of the ratio; None without draws, or if refused.
        high: Upper end.
        reason: Why there is no ratio, or no interval although draws were given; else None.
    """

    accuracy: float
    cost_a: float | None
    cost_b: float | None
    ratio: float | None
    low: float | None
    high: float | None
    reason: str | None


@dataclass(frozen=True)
class AccuracyDifference:
    """How accurate two models are at the same mean cost.

    Attributes:
        cost: Where they are compared.
        accuracy_a: Of A; None if its curve does not cover that cost.
        accuracy_b: Of B.
        difference: ``accuracy_a - accuracy_b``. None if refused.
        low: Lower end of the interval of the difference; None without draws, or if refused.
        high: Upper end.
        reason: Why there is no difference, or no interval although draws were given; else None.
    """

    cost: float
    accuracy_a: float | None
    accuracy_b: float | None
    difference: float | None
    low: float | None
    high: float | None
    reason: str | None


def cost_ratio(
    curve_a: Curve,
    curve_b: Curve,
    target_accuracy: float | None = None,
    draws_a: Curve | None = None,
    draws_b: Curve | None = None,
    target_draws: np.ndarray | None = None,
    level: float = 0.95,
    names: tuple[str, str] = ('A', 'B'),
) -> CostRatio:
    """How many times less A costs than B at one accuracy.

    Args:
        curve_a: A's test curve, costs (M_a,) and accuracies (M_a,). A plain pair will do.
        curve_b: B's.
        target_accuracy: In the unit of the curves, not chosen by a look at the ratio; see
            `envelope.common_accuracy`. Where A or B has a single point (a static network) leave it
            out: its own accuracy is the only one it has, and in each draw it is that draw's.
        draws_a: Bootstrap draws of A's curve, (R, M_a) each; draw r of A and of B must be of the
            same samples if the models were measured on the same ones.
        draws_b: Of B's, (R, M_b) each.
        target_draws: The target in each draw, (R,), where it varies with the samples.
        level: Of the interval.
        names: Of A and B, for the reason.

    Raises:
        ValueError: Curves or draws that do not fit together, or no target although both curves
            have several points.
        UserError: A level that is no share.
    """
    curves, draws = _pairs(curve_a, curve_b, draws_a, draws_b)
    target = target_accuracy
    draw_target = target if target_draws is None else target_draws
    if target_accuracy is None:  # compare at the accuracy of the single point, B's before A's
        single = next((i for i in (1, 0) if np.size(curves[i].accuracies) == 1), None)
        if single is None:
            raise ValueError('two curves of several points need a target_accuracy')
        target = curves[single].accuracies[0]
        draw_target = draws and draws[single].accuracies[:, 0]
    costs = [cost_at_accuracy(*curve, target) for curve in curves]
    draw_costs = draws and [cost_at_accuracy(*draw, draw_target) for draw in draws]
    refusal = _refusal('accuracy', target, costs, [c.accuracies for c in curves], names)
    return CostRatio(
        float(target),
        *map(_number, costs),
        *_result(lambda a, b: b / a, costs, draw_costs, refusal, level, 'accuracy', names),
    )


def accuracy_difference(
    curve_a: Curve,
    curve_b: Curve,
    target_cost: float,
    draws_a: Curve | None = None,
    draws_b: Curve | None = None,
    level: float = 0.95,
    names: tuple[str, str] = ('A', 'B'),
) -> AccuracyDifference:
    """How much more accurate A is than B at one mean cost.

    Args:
        curve_a: As in `cost_ratio`.
        curve_b: As in `cost_ratio`.
        target_cost: In the unit of the curves; take `envelope.common_cost` of the calibration
            curves. That also fits a single point, whose cost does not depend on the samples.
        draws_a: As in `cost_ratio`.
        draws_b: As in `cost_ratio`.
        level: Of the interval.
        names: Of A and B, for the reason.

    Raises:
        ValueError: Curves or draws that do not fit together.
        UserError: A level that is no share.
    """
    curves, draws = _pairs(curve_a, curve_b, draws_a, draws_b)
    accuracies = [accuracy_at_cost(*curve, target_cost) for curve in curves]
    draw_accuracies = draws and [accuracy_at_cost(*draw, target_cost) for draw in draws]
    refusal = _refusal('cost', target_cost, accuracies, [c.costs for c in curves], names)
    return AccuracyDifference(
        float(target_cost),
        *map(_number, accuracies),
        *_result(lambda a, b: a - b, accuracies, draw_accuracies, refusal, level, 'cost', names),
    )


def _pairs(
    curve_a: Curve, curve_b: Curve, draws_a: Curve | None, draws_b: Curve | None
) -> tuple[list[Curve], list[Curve] | None]:
    """The two curves, and the draws of both or None; as arrays, their shapes checked."""
    curves = [upper_envelope(*curve) for curve in (curve_a, curve_b)]
    if any(curve.costs.ndim != 1 for curve in curves):
        raise ValueError('a curve is (M,) costs and (M,) accuracies')
    if draws_a is None and draws_b is None:
        return curves, None
    if draws_a is None or draws_b is None:
        raise ValueError('an interval needs the draws of both curves')
    draws = [upper_envelope(*draw) for draw in (draws_a, draws_b)]
    shapes = [draw.costs.shape for draw in draws]
    if shapes != [(shapes[0][0], len(curve.costs)) for curve in curves]:
        raise ValueError(
            f'draws of shape {shapes[0]} and {shapes[1]} do not belong to curves of '
            f'{len(curves[0].costs)} and {len(curves[1].costs)} points: they are (R, points), with '
            'the same R'
        )
    return curves, draws


def _refusal(
    what: str, target: float, values: list, ranges: list[np.ndarray], names: tuple[str, str]
) -> str | None:
    """Why the curves cannot be compared at this target; None if they can."""
    covered = [
        f'the curve of {name} covers {covers[0]:.6g} to {covers[-1]:.6g}'
        for name, value, covers in zip(names, values, ranges, strict=True)
        if np.isnan(value)
    ]
    return f'no comparison at {what} {target:.6g}: {" and ".join(covered)}' if covered else None


def _result(
    combine: Callable,
    values: list,
    draw_values: list[np.ndarray] | None,
    refusal: str | None,
    level: float,
    what: str,
    names: tuple[str, str],
) -> tuple[float | None, float | None, float | None, str | None]:
    """(result, low, high, reason), as in `CostRatio` and `AccuracyDifference`.

    Args:
        combine: Makes the result of A's and B's value.
        values: A's and B's.
        draw_values: A's and B's in each draw, (R,); NaN where a draw does not cover the target.
        refusal: Reason for no result at all.
        level: Of the interval.
        what: The curves are compared at the same one of.
        names: Of A and B.
    """
    if refusal is not None:
        return None, None, None, refusal
    result = float(combine(*values))
    if draw_values is None:
        return result, None, None, None
    low, high = percentile_interval(combine(*draw_values), level)
    if not np.isnan(low):
        return result, float(low), float(high), None
    missing = ' and '.join(
        f'{100 * np.isnan(draw).mean():.3g} % ({name})'
        for name, draw in zip(names, draw_values, strict=True)
    )
    reason = f'no interval: {missing} of the bootstrap draws of the curves do not cover that {what}'
    return result, None, None, reason


def _number(value: float) -> float | None:
    return None if np.isnan(value) else float(value)
