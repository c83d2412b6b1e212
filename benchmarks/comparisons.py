"""Pairs of models that were measured on the same test samples: who needs less, who is better."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations

import numpy as np

from dynp_plugins.early_exit import ExitPolicy, ExitTable

from .curve import curve_draws
from .interval import Interval
from .results import Comparison, ModelResult
from .statistics import (
    AccuracyDifference,
    CostRatio,
    Curve,
    accuracy_at_cost,
    accuracy_difference,
    common_accuracy,
    common_cost,
    cost_at_accuracy,
    cost_ratio,
)


@dataclass(frozen=True)
class MeasuredModel:
    """A model's result with what it was computed from.

    Attributes:
        policies: Of the curve's points, in their order.
        risk_controlled: By (epsilon, delta).
    """

    result: ModelResult
    calibration: ExitTable
    test: ExitTable
    policies: list[ExitPolicy]
    risk_controlled: dict[tuple[float, float], ExitPolicy]


def compare_models(models: Sequence[MeasuredModel]) -> list[Comparison]:
    """Every pair of models with the same test split.

    Which budgets of a model count (those that are better than all cheaper ones) and where two
    models are compared is decided on the calibration split. At equal cost: in the middle
    of what both can cost. At equal accuracy: there, both reach the middle of what both can reach at
    some cost; on the test split, which may be easier or harder, the mean of the accuracies that
    they have at these costs is taken. A network with one exit is compared at its own accuracy.
    """
    comparisons, draws = [], {}
    for a, b in combinations(range(len(models)), 2):
        pair = models[a], models[b]
        if len({model.result.test.sha256 for model in pair}) > 1:
            continue
        for index, model in zip((a, b), pair, strict=True):
            if index not in draws:
                draws[index] = _draws(model)
        comparisons.append(_compare(a, b, pair, (draws[a], draws[b])))
    return comparisons


def _compare(
    a: int, b: int, pair: tuple[MeasuredModel, ...], draws: tuple[Curve, Curve]
) -> Comparison:
    calibration = [_curve(model, on_calibration=True) for model in pair]
    curves = [_curve(model) for model in pair]
    names = tuple(model.result.name for model in pair)
    ratio, no_ratio = _ratio(calibration, curves, draws, names)
    difference, no_difference = _difference(calibration, curves, draws, names)
    return Comparison(
        model=a,
        baseline=b,
        top1_percent=None if ratio is None or ratio.ratio is None else ratio.accuracy,
        cost_ratio=ratio and ratio.ratio,
        cost_ratio_interval=_interval(ratio),
        gmacs=None if difference is None or difference.difference is None else difference.cost,
        top1_difference=difference and difference.difference,
        top1_difference_interval=_interval(difference),
        refusal='; '.join(reason for reason in (no_ratio, no_difference) if reason),
    )


def _ratio(calibration, curves, draws, names) -> tuple[CostRatio | None, str | None]:
    """What the models cost at equal accuracy, or why that is not to be had."""
    if any(len(curve.costs) == 1 for curve in curves):
        ratio = cost_ratio(*curves, None, *draws, names=names)
        return ratio, ratio.reason
    accuracy = common_accuracy(*calibration)
    if accuracy is None:
        return None, 'the curves have no accuracy in common on the calibration split'
    costs = [cost_at_accuracy(*curve, accuracy) for curve in calibration]
    target, target_draws = (
        np.mean([_within(*pair) for pair in zip(kinds, costs, strict=True)], axis=0)
        for kinds in (curves, draws)
    )
    ratio = cost_ratio(*curves, float(target), *draws, target_draws=target_draws, names=names)
    return ratio, ratio.reason


def _difference(calibration, curves, draws, names) -> tuple[AccuracyDifference | None, str | None]:
    """How accurate the models are at equal cost, or why that is not to be had."""
    cost = common_cost(*calibration)
    if cost is None:
        return None, 'the curves have no mean cost in common'
    difference = accuracy_difference(*curves, cost, *draws, names=names)
    return difference, difference.reason


def _within(curve: Curve, cost: float) -> np.ndarray:
    """Accuracy at a cost, moved into the range of the curve (or of each draw's) if it is outside.

    The costs of the same thresholds differ a little from split to split.
    """
    nearest = np.clip(cost, curve.costs.min(-1), curve.costs.max(-1))
    return accuracy_at_cost(*curve, nearest)


def _frontier(model: MeasuredModel) -> list[int]:
    """The budgets worth having, by rising cost: each is better than all cheaper ones.

    Judged on the calibration split: chosen on the test split, the best-looking of many budgets
    would flatter the model that has many.
    """
    points = model.result.points
    order = sorted(
        range(len(points)),
        key=lambda i: (points[i].calibration_gmacs_mean, -points[i].calibration_top1_percent),
    )
    frontier = order[:1]
    for i in order[1:]:
        if points[i].calibration_top1_percent > points[frontier[-1]].calibration_top1_percent:
            frontier.append(i)
    return frontier


def _curve(model: MeasuredModel, on_calibration: bool = False) -> Curve:
    """The frontier, made longer to what the model can cost at most.

    Whoever may spend more than the best budget needs does not have to.
    """
    points = model.result.points
    frontier = [points[i] for i in _frontier(model)]
    if on_calibration:
        costs = [p.calibration_gmacs_mean for p in frontier]
        accuracies = [p.calibration_top1_percent for p in frontier]
        most = max(p.calibration_gmacs_mean for p in points)
    else:
        costs, accuracies = [p.gmacs_mean for p in frontier], [p.top1_percent for p in frontier]
        most = max(p.gmacs_mean for p in points)
    curve = Curve(np.array(costs), np.array(accuracies))
    return curve if len(points) == 1 else _made_longer(curve, most)


def _draws(model: MeasuredModel) -> Curve:
    """The same in bootstrap draws of the test samples, (R, points)."""
    points = model.result.points
    draws = curve_draws(model.test, [model.policies[i] for i in _frontier(model)])
    return draws if len(points) == 1 else _made_longer(draws, max(p.gmacs_mean for p in points))


def _made_longer(curve: Curve, most: float) -> Curve:
    last = np.maximum(curve.costs[..., -1:], most)
    return Curve(
        np.concatenate([curve.costs, last], -1),
        np.concatenate([curve.accuracies, curve.accuracies[..., -1:]], -1),
    )


def _interval(found) -> Interval | None:
    return None if found is None or found.low is None else Interval(found.low, found.high)
