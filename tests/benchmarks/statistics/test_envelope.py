"""Curves between their points: straight lines known exactly, dents, ties, and what lies outside."""

import numpy as np
import pytest

from benchmarks.statistics import (
    accuracy_at_cost,
    common_accuracy,
    common_cost,
    cost_at_accuracy,
    upper_envelope,
)

DENTED = ([1, 2, 3, 4, 5], [60, 70, 65, 70, 80])


def test_envelope_is_the_best_of_at_most_that_cost_in_any_order_of_points():
    for order in ([0, 1, 2, 3, 4], [3, 0, 4, 2, 1]):
        found = upper_envelope(*(np.array(values)[order] for values in DENTED))
        np.testing.assert_array_equal(found.costs, [1, 2, 3, 4, 5])
        np.testing.assert_array_equal(found.accuracies, [60, 70, 70, 70, 80])


def test_a_straight_line_is_read_exactly():
    costs = np.array([1.0, 1.5, 4, 9])
    accuracies = 50 + 4 * costs
    targets = np.linspace(54, 86, 9)
    for target in targets:
        cost = cost_at_accuracy(costs, accuracies, target)
        assert cost == pytest.approx((target - 50) / 4)
        assert accuracy_at_cost(costs, accuracies, cost) == pytest.approx(target)


def test_a_dent_is_passed_over():
    assert cost_at_accuracy(*DENTED, 65) == 1.5
    assert cost_at_accuracy(*DENTED, 70) == 2  # the cheapest of the plateau
    assert cost_at_accuracy(*DENTED, 75) == 4.5
    assert accuracy_at_cost(*DENTED, 3) == 70
    assert accuracy_at_cost(*DENTED, 4.5) == 75


def test_of_two_points_with_one_cost_the_better_counts():
    curve = ([1, 2, 2, 2, 3], [60, 65, 75, 70, 80])
    assert accuracy_at_cost(*curve, 2) == 75
    assert cost_at_accuracy(*curve, 75) == 2
    assert cost_at_accuracy(*curve, 70) == pytest.approx(1 + 2 / 3)
    assert np.isnan(cost_at_accuracy([2, 2], [60, 70], 65))  # 70 is to be had at that cost


def test_outside_the_points_there_is_no_answer():
    assert np.isnan(cost_at_accuracy(*DENTED, 59.9))
    assert np.isnan(cost_at_accuracy(*DENTED, 80.1))
    assert np.isnan(accuracy_at_cost(*DENTED, 0.9))
    assert np.isnan(accuracy_at_cost(*DENTED, 5.1))
    assert (cost_at_accuracy(*DENTED, 60), cost_at_accuracy(*DENTED, 80)) == (1, 5)


def test_the_ends_are_reached_in_spite_of_rounding():
    constant = np.full(1000, 0.1).sum() / 1000  # not quite 0.1
    assert constant != 0.1
    assert accuracy_at_cost([constant, 1], [60, 70], 0.1) == pytest.approx(60)
    assert accuracy_at_cost([0.01, constant], [60, 70], 0.1) == pytest.approx(70)


def test_one_point():
    assert cost_at_accuracy([2.0], [70.0], 70.0) == 2
    assert np.isnan(cost_at_accuracy([2.0], [70.0], 69.0))
    assert accuracy_at_cost([2.0], [70.0], 2.0) == 70


def test_many_curves_at_once_are_read_as_one_by_one():
    rng = np.random.default_rng(0)
    costs, accuracies = rng.uniform(1, 9, (50, 6)), rng.uniform(50, 90, (50, 6))
    targets = rng.uniform(60, 90, 50)
    for read, target in ((cost_at_accuracy, targets), (accuracy_at_cost, targets / 15)):
        found = read(costs, accuracies, target)
        expected = [read(*one) for one in zip(costs, accuracies, target, strict=True)]
        np.testing.assert_array_equal(found, expected)
        assert 0 < np.isnan(found).sum() < 50


def test_the_middle_of_what_both_curves_cover():
    a, b = ([1, 2, 3], [60, 72, 70]), ([2, 5], [66, 90])
    assert common_accuracy(a, b) == common_accuracy(b, a) == (66 + 72) / 2
    assert common_cost(a, b) == (2 + 3) / 2


def test_curves_without_a_common_range():
    a, b = ([1, 2], [60, 65]), ([3, 4], [66, 70])
    assert common_accuracy(a, b) is None
    assert common_cost(a, b) is None
    assert common_accuracy(a, ([1, 2], [65, 70])) == 65  # they touch
    assert common_accuracy(a, ([7], [63])) == 63  # a single point within the range


def test_what_is_refused():
    with pytest.raises(ValueError, match='alike'):
        upper_envelope([1, 2], [60])
    with pytest.raises(ValueError, match='at least one point'):
        upper_envelope([], [])
    with pytest.raises(ValueError, match='finite'):
        upper_envelope([1, 2], [60, np.nan])
    with pytest.raises(ValueError, match='above 0'):
        upper_envelope([0, 2], [60, 70])
