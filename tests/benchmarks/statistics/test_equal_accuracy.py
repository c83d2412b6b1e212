"""Comparisons at equal accuracy and at equal cost: lines and draws known exactly, refusals."""

import numpy as np
import pytest

from benchmarks.statistics import accuracy_difference, bootstrap_means, cost_ratio
from dynp_plugins.errors import UserError

COSTS = np.array([1.0, 2, 3, 5])
A = (COSTS, 50 + 8 * COSTS)  # 58 to 90
B = (2 * COSTS, 40 + 4 * 2 * COSTS)  # cost = (accuracy - 40) / 4, covers 48 to 80


def shifted(curve, shifts):
    """Draws of a curve that moves up and down as a whole."""
    costs, accuracies = curve
    return np.tile(costs, (len(shifts), 1)), accuracies + np.asarray(shifts)[:, None]


def test_the_ratio_of_two_straight_lines():
    found = cost_ratio(A, B, 70)
    assert (found.cost_a, found.cost_b) == pytest.approx((2.5, 7.5))
    assert found.ratio == pytest.approx(3)
    assert (found.accuracy, found.low, found.high, found.reason) == (70, None, None, None)
    assert cost_ratio(B, A, 70).ratio == pytest.approx(1 / 3)


def test_the_same_curve_costs_the_same():
    assert cost_ratio(A, A, 70, shifted(A, [-1, 0, 1]), shifted(A, [-1, 0, 1])).ratio == 1


def test_the_interval_of_the_ratio_is_that_of_draws_known_exactly():
    shifts = np.linspace(-4, 4, 401)
    found = cost_ratio(A, B, 70, shifted(A, shifts), shifted(B, -shifts))
    ratios = ((70 - 40 + shifts) / 4) / ((70 - 50 - shifts) / 8)
    np.testing.assert_allclose([found.low, found.high], np.quantile(ratios, [0.025, 0.975]))
    assert found.low < found.ratio < found.high
    assert found.reason is None


def test_draws_of_the_same_samples_are_compared_with_each_other():
    """Curves that rise and fall together have a ratio that hardly varies."""
    shifts = np.random.default_rng(0).normal(0, 1, 500)
    curve = (1.5 * A[0], A[1])
    paired = cost_ratio(A, curve, 70, shifted(A, shifts), shifted(curve, shifts))
    assert (paired.low, paired.ratio, paired.high) == pytest.approx((1.5, 1.5, 1.5))
    unpaired = cost_ratio(A, curve, 70, shifted(A, shifts), shifted(curve, shifts[::-1]))
    assert unpaired.high - unpaired.low > 0.2


@pytest.mark.parametrize(
    ('target', 'missing'), [(47, ['slim', 'wide']), (57, ['slim']), (81, ['wide'])]
)
def test_refused_where_the_curves_do_not_overlap(target, missing):
    draws = shifted(A, [0] * 10), shifted(B, [0] * 10)
    found = cost_ratio(A, B, target, *draws, names=('slim', 'wide'))
    assert (found.ratio, found.low, found.high) == (None, None, None)
    ranges = {'slim': '58 to 90', 'wide': '48 to 80'}
    covered = ' and '.join(f'the curve of {name} covers {ranges[name]}' for name in missing)
    assert found.reason == f'no comparison at accuracy {target}: {covered}'
    assert (found.cost_a is None, found.cost_b is None) == ('slim' in missing, 'wide' in missing)


def test_a_ratio_without_an_interval_where_too_many_draws_fall_short():
    """B reaches 80 at most; at 79 each draw that lies more than 1 lower does not."""
    for short, has_interval in ((20, True), (30, False)):
        shifts = np.zeros(1000)
        shifts[:short] = -2
        found = cost_ratio(A, B, 79, shifted(A, 0 * shifts), shifted(B, shifts))
        assert found.ratio == pytest.approx(((79 - 40) / 4) / ((79 - 50) / 8))
        assert (found.low is not None) == (found.high is not None) == has_interval
        assert (found.reason is None) == has_interval
    assert '0 % (A) and 3 % (B) of the bootstrap draws' in found.reason
    assert 'do not cover that accuracy' in found.reason


def test_a_static_network_is_compared_at_its_own_accuracy_in_every_draw():
    static, shifts = ([6.0], [70.0]), np.linspace(-2, 2, 201)
    found = cost_ratio(A, static, None, shifted(A, 0 * shifts), shifted(static, shifts))
    assert found.accuracy == 70
    assert found.ratio == pytest.approx(6 / 2.5)
    ratios = 6 / ((70 + shifts - 50) / 8)
    np.testing.assert_allclose([found.low, found.high], np.quantile(ratios, [0.025, 0.975]))
    assert cost_ratio(static, A).ratio == pytest.approx(2.5 / 6)
    assert 'the curve of B covers 70 to 70' in cost_ratio(A, static, 71).reason


def test_two_static_networks_are_comparable_only_if_equally_accurate():
    assert cost_ratio(([2.0], [70.0]), ([3.0], [70.0])).ratio == 1.5
    found = cost_ratio(([2.0], [71.0]), ([3.0], [70.0]))
    assert found.ratio is None
    assert 'no comparison at accuracy 70: the curve of A covers 71 to 71' in found.reason


def test_a_curve_with_a_dent():
    """What counts is the cheapest way to 70, not the dearer points that fall below it again."""
    dented = ([1, 2, 3, 4], [60, 74, 65, 80])
    assert cost_ratio(dented, B, 67).cost_a == pytest.approx(1.5)


def test_the_accuracy_difference_of_two_straight_lines():
    shifts = np.linspace(-4, 4, 401)
    found = accuracy_difference(A, B, 3, shifted(A, shifts), shifted(B, -shifts))
    assert (found.accuracy_a, found.accuracy_b) == pytest.approx((74, 52))
    assert found.difference == pytest.approx(22)
    ends = np.quantile(22 + 2 * shifts, [0.025, 0.975])
    np.testing.assert_allclose([found.low, found.high], ends)
    assert (found.cost, found.reason) == (3, None)
    assert accuracy_difference(B, A, 3).difference == pytest.approx(-22)


def test_a_difference_is_refused_outside_the_common_costs():
    found = accuracy_difference(A, B, 6, names=('slim', 'wide'))
    assert (found.accuracy_a, found.accuracy_b) == (None, pytest.approx(64))
    assert (found.difference, found.low, found.high) == (None, None, None)
    assert found.reason == 'no comparison at cost 6: the curve of slim covers 1 to 5'


def test_a_static_network_at_its_own_cost_in_bootstrap_draws_that_round_it():
    rng = np.random.default_rng(0)
    right = rng.random((1000, 3)) < [0.6, 0.7, 0.8]
    a = bootstrap_means(right[:, [0, 2]]), bootstrap_means(np.full((1000, 2), [0.1, 0.7]))
    b = bootstrap_means(right[:, [1]]), bootstrap_means(np.full((1000, 1), 0.7))
    assert (b[1] != 0.7).any()
    means = right.mean(0)
    found = accuracy_difference(
        ([0.1, 0.7], means[[0, 2]]), ([0.7], means[[1]]), 0.7, a[::-1], b[::-1]
    )
    assert found.difference == pytest.approx(means[2] - means[1])
    ends = np.quantile(a[0][:, 1] - b[0][:, 0], [0.025, 0.975])
    np.testing.assert_allclose([found.low, found.high], ends)


def test_the_interval_holds_the_true_ratio_about_as_often_as_it_says():
    """Simulated models: A answers at half the cost of B, with the accuracies known."""
    truth, rng, held = np.array([0.6, 0.7, 0.78, 0.84]), np.random.default_rng(0), 0
    costs = np.array([1.0, 2, 4, 8])
    for _ in range(200):
        ease = rng.random((400, 1))  # shared by both models
        curves, draws = [], []
        for scale in (1, 2):
            right = ease + rng.normal(0, 0.02, (400, 1)) < truth
            curves.append((scale * costs, right.mean(0)))
            accuracies = bootstrap_means(right, draws=200)
            draws.append((np.tile(scale * costs, (200, 1)), accuracies))
        found = cost_ratio(*curves, 0.72, *draws)
        held += found.low <= 2 <= found.high
    assert 0.9 <= held / 200 <= 0.99


def test_what_is_refused():
    draws_a, draws_b = shifted(A, [0, 1]), shifted(B, [0, 1])
    with pytest.raises(ValueError, match='need a target_accuracy'):
        cost_ratio(A, B)
    with pytest.raises(ValueError, match='draws of both curves'):
        cost_ratio(A, B, 70, draws_a)
    with pytest.raises(ValueError, match='same R'):
        cost_ratio(A, B, 70, draws_a, shifted(B, [0, 1, 2]))
    with pytest.raises(ValueError, match='of 4 and 4 points'):
        accuracy_difference(A, B, 3, draws_a, tuple(values[:, :3] for values in draws_b))
    with pytest.raises(ValueError, match='a curve is'):
        cost_ratio(draws_a, B, 70)
    with pytest.raises(UserError, match='95 interval'):
        cost_ratio(A, B, 70, draws_a, draws_b, level=95)
