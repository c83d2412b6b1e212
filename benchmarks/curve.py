"""The points of a curve: policies from the calibration split, applied to the test split."""

from collections.abc import Sequence

import numpy as np

from dynp_plugins.early_exit import ExitPolicy, ExitTable, choose_exits

from .curve_records import CurvePoint, OperatingPoint
from .interval import Interval
from .statistics import (
    Curve,
    accuracy_of_leavers,
    bootstrap_means,
    percentile_interval,
    random_exit_accuracy,
)


def target_budgets(costs: np.ndarray, budgets: int) -> np.ndarray:
    """Mean costs evenly spaced from the first exit's cost to the last one's.

    A network with a single exit has one, whatever ``budgets`` says.
    """
    return np.linspace(costs[0], costs[-1], budgets if len(costs) > 1 else 1)


def curve_points(test: ExitTable, policies: Sequence[ExitPolicy]) -> list[CurvePoint]:
    """What policies give on the test split, with 95 % intervals from a bootstrap over its samples.

    Args:
        test: The exit table of the test split.
        policies: Each with what it gives on the calibration split. The budget of one that was not
            made for a budget is the mean cost it has there.
    """
    exits = [chosen_exits(test, policy) for policy in policies]
    low, high = (end.reshape(2, -1) for end in percentile_interval(_draws(test, policies)))
    points = []
    for i, (policy, chosen) in enumerate(zip(policies, exits, strict=True)):
        names, expected = policy.exit_names, policy.expected
        costs = np.array([expected.exit_gmacs[name] for name in names])
        shares = np.bincount(chosen, minlength=len(names)) / len(test)
        of_leavers = accuracy_of_leavers(test.correct, chosen)
        points.append(
            CurvePoint(
                target_gmacs=policy.settings.get('budget_gmacs', expected.gmacs_mean),
                calibration_gmacs_mean=expected.gmacs_mean,
                calibration_top1_percent=expected.top1_percent,
                gmacs_mean=float(costs[chosen].mean()),
                gmacs_interval=Interval(float(low[1, i]), float(high[1, i])),
                top1_percent=100 * float(test.correct[np.arange(len(test)), chosen].mean()),
                top1_interval=Interval(float(low[0, i]), float(high[0, i])),
                random_top1_percent=float(random_exit_accuracy(shares, test.topk_percent(1))),
                exit_shares={name: float(share) for name, share in zip(names, shares, strict=True)},
                exit_top1_percent={
                    name: None if np.isnan(value) else 100 * float(value)
                    for name, value in zip(names, of_leavers, strict=True)
                },
                thresholds=policy.thresholds_by_exit,
            )
        )
    return points


def operating_points(
    test: ExitTable, policies: Sequence[tuple[str, ExitPolicy]]
) -> list[OperatingPoint]:
    """What single policies, each with the name it is to have, give on the test split."""
    points = curve_points(test, [policy for _, policy in policies]) if policies else []
    return [
        OperatingPoint(name, policy.method, policy.settings, policy.measure, point)
        for (name, policy), point in zip(policies, points, strict=True)
    ]


def curve_draws(test: ExitTable, policies: Sequence[ExitPolicy]) -> Curve:
    """(R, M) mean GMACs and top-1 percent of policies in bootstrap draws of the test samples.

    Tables of the same samples in the same order meet the same draws, so that two models can be
    compared pairwise.
    """
    accuracies, costs = np.split(_draws(test, policies), 2, axis=1)
    return Curve(costs, accuracies)


def chosen_exits(table: ExitTable, policy: ExitPolicy) -> np.ndarray:
    """(N,) index of the exit where each sample leaves."""
    return choose_exits(table.confidence(policy.measure), np.array(policy.thresholds))


def _draws(test: ExitTable, policies: Sequence[ExitPolicy]) -> np.ndarray:
    """(R, 2 M): accuracies in percent, then mean costs, of M policies."""
    rows = np.arange(len(test))
    right, costs = [], []
    for policy in policies:
        chosen = chosen_exits(test, policy)
        right.append(100 * test.correct[rows, chosen])
        prices = [policy.expected.exit_gmacs[name] for name in policy.exit_names]
        costs.append(np.array(prices)[chosen])
    return bootstrap_means(np.stack([*right, *costs], 1))
