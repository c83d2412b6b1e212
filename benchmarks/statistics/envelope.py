"""Reading a curve of accuracy against cost between its points.

A curve is a set of (mean cost, accuracy) points, one per budget. Its upper envelope is the best
accuracy among the points of at most that cost: it never falls. Between neighbouring costs it is a
straight line, and outside the points it says nothing. Costs and accuracies keep the units they come
in; all functions work on many curves at once, such as bootstrap draws of one.
"""

from typing import NamedTuple

import numpy as np


class Curve(NamedTuple):
    """M points, in any order. Leading dimensions are curves of their own, such as R draws.

    Attributes:
        costs: (..., M), above 0.
        accuracies: (..., M).
    """

    costs: np.ndarray
    accuracies: np.ndarray


def upper_envelope(costs: np.ndarray, accuracies: np.ndarray) -> Curve:
    """The same points by rising cost, each with the best accuracy at no more than that cost.

    Args:
        costs: (..., M).
        accuracies: (..., M).

    Returns:
        A curve of the same shape; costs and accuracies never fall along its last dimension.

    Raises:
        ValueError: Shapes that differ, no point, a number that is not finite, or a cost that is not
            above 0.
    """
    costs, accuracies = np.asarray(costs, np.float64), np.asarray(accuracies, np.float64)
    if costs.shape != accuracies.shape or not costs.ndim or not costs.size:
        raise ValueError(
            f'costs {costs.shape} and accuracies {accuracies.shape} of a curve must be alike and '
            'have at least one point'
        )
    if not (np.isfinite(costs).all() and np.isfinite(accuracies).all() and (costs > 0).all()):
        raise ValueError('costs and accuracies of a curve must be finite, and costs above 0')
    order = np.lexsort((-accuracies, costs), axis=-1)  # of equal costs the most accurate first
    return Curve(
        np.take_along_axis(costs, order, -1),
        np.maximum.accumulate(np.take_along_axis(accuracies, order, -1), axis=-1),
    )


def cost_at_accuracy(costs: np.ndarray, accuracies: np.ndarray, target: np.ndarray) -> np.ndarray:
    """The lowest cost at which the envelope reaches an accuracy.

    Args:
        costs: (..., M).
        accuracies: (..., M).
        target: (...) or one number for all curves, in the unit of ``accuracies``.

    Returns:
        (...), in the unit of ``costs``; NaN where the target lies outside the envelope's range: the
        curve does not reach it, or its cheapest point is already better.

    Raises:
        ValueError: See `upper_envelope`.
    """
    envelope = upper_envelope(costs, accuracies)
    return _read(envelope.accuracies, envelope.costs, target)


def accuracy_at_cost(costs: np.ndarray, accuracies: np.ndarray, target: np.ndarray) -> np.ndarray:
    """The envelope's accuracy at a cost; the arguments are those of `cost_at_accuracy`.

    Returns:
        (...), in the unit of ``accuracies``; NaN where the curve has no point as cheap or none as
        dear.

    Raises:
        ValueError: See `upper_envelope`.
    """
    envelope = upper_envelope(costs, accuracies)
    return _read(envelope.costs, envelope.accuracies, target)


def common_accuracy(curve_a: Curve, curve_b: Curve) -> float | None:
    """The accuracy at which to compare two models, chosen on their *calibration* curves.

    Chosen on the test curves it would be chosen with a look at what is to be measured.

    Args:
        curve_a: One curve: costs (M,) and accuracies (M,).
        curve_b: Another one.

    Returns:
        The middle of the range both envelopes cover; None if there is none.

    Raises:
        ValueError: See `upper_envelope`.
    """
    return _middle_of_overlap(*(upper_envelope(*curve).accuracies for curve in (curve_a, curve_b)))


def common_cost(curve_a: Curve, curve_b: Curve) -> float | None:
    """The cost at which to compare two models, as `common_accuracy` does for accuracy."""
    return _middle_of_overlap(*(upper_envelope(*curve).costs for curve in (curve_a, curve_b)))


def _middle_of_overlap(a: np.ndarray, b: np.ndarray) -> float | None:
    low, high = max(a[0], b[0]), min(a[-1], b[-1])
    return float((low + high) / 2) if low <= high else None


def _read(x: np.ndarray, y: np.ndarray, target: np.ndarray) -> np.ndarray:
    """y where x first reaches the target, by straight lines; NaN outside the range of x.

    The mean of a constant over a draw is that constant only up to rounding, so the ends of the
    range are widened by a relative 1e-9.

    Args:
        x: (..., M), never falls along the last dimension.
        y: (..., M).
        target: (...) or one number.
    """
    lowest, highest, slack = x[..., 0], x[..., -1], 1e-9 * np.abs(target)
    inside = (target >= lowest - slack) & (target <= highest + slack)
    target = np.clip(target, lowest, highest)[..., None]
    right = (x >= target).argmax(-1)[..., None]
    left = np.maximum(right - 1, 0)
    x0, x1, y0, y1 = (np.take_along_axis(z, i, -1) for z in (x, y) for i in (left, right))
    weight = np.divide(target - x0, x1 - x0, out=np.ones_like(x0), where=x1 > x0)
    return np.where(inside, ((1 - weight) * y0 + weight * y1)[..., 0], np.nan)[()]
