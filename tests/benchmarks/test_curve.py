"""The curve from exit tables, by hand and at scale."""

import numpy as np
import pytest

from benchmarks.curve import curve_draws, curve_points, operating_points, target_budgets
from dynp_plugins.early_exit import ALWAYS, ExitPolicy, choose_policies, on_calibration
from tests.exit_tables import made_up_table, random_tables


def curve(calibration, test, budgets=33):
    targets = target_budgets(calibration.manifest['exit_gmacs'], budgets)
    return curve_points(test, choose_policies(calibration, targets))


def test_two_exits_by_hand():
    """Half the calibration samples are to leave early; the test split differs."""
    calibration = made_up_table(
        [[0.9, 1], [0.8, 1], [0.4, 1], [0.3, 1]], [[1, 1]] * 4, gmacs=(1, 3)
    )
    test = made_up_table(
        [[0.85, 1], [0.8, 1], [0.79, 1], [0.9, 1]], [[1, 0], [0, 1], [1, 1], [1, 0]], split='test'
    )
    first, middle, last = curve(calibration, test, budgets=3)
    assert (first.target_gmacs, middle.target_gmacs, last.target_gmacs) == (1.0, 2.0, 3.0)
    assert middle.thresholds == {'exit0': pytest.approx(0.8)}
    assert middle.calibration_gmacs_mean == pytest.approx(2.0)
    assert middle.calibration_top1_percent == pytest.approx(100.0)
    assert middle.exit_shares == {'exit0': 0.75, 'exit1': 0.25}
    assert middle.gmacs_mean == pytest.approx(0.75 * 1 + 0.25 * 3)
    assert middle.top1_percent == pytest.approx(75.0)  # right, wrong, right at exit 1, right
    assert middle.exit_top1_percent == {'exit0': pytest.approx(200 / 3), 'exit1': 100.0}
    assert middle.random_top1_percent == pytest.approx(0.75 * 75 + 0.25 * 50)
    assert first.exit_shares == {'exit0': 1.0, 'exit1': 0.0}
    assert first.exit_top1_percent['exit1'] is None
    assert last.thresholds == {'exit0': None}
    assert last.top1_percent == pytest.approx(50.0)


def test_the_test_split_has_no_say_in_the_thresholds():
    calibration, _ = random_tables()
    curves = [curve(calibration, random_tables(seed=seed)[1]) for seed in (1, 2)]
    assert [p.thresholds for p in curves[0]] == [p.thresholds for p in curves[1]]
    assert [p.top1_percent for p in curves[0]] != [p.top1_percent for p in curves[1]]


def test_ends_of_the_curve_are_the_first_and_the_last_exit():
    calibration, test = random_tables()
    points = curve(calibration, test)
    assert len(points) == 33
    assert points[0].gmacs_mean == pytest.approx(1.0)
    assert points[0].top1_percent == pytest.approx(test.topk_percent(1)[0])
    assert points[-1].gmacs_mean == pytest.approx(4.0)
    assert points[-1].top1_percent == pytest.approx(test.topk_percent(1)[-1])
    for point in points:
        assert sum(point.exit_shares.values()) == pytest.approx(1)
        assert point.calibration_gmacs_mean == pytest.approx(point.target_gmacs, rel=0.02)
        assert point.top1_interval.low <= point.top1_percent <= point.top1_interval.high
        assert point.gmacs_interval.low <= point.gmacs_mean <= point.gmacs_interval.high
    # A share of the samples leaves wherever it is surest: better than leaving at random.
    assert np.mean([p.top1_percent - p.random_top1_percent for p in points[8:-8]]) > 2


def test_the_interval_is_that_of_a_share():
    """Normal approximation of a binomial share, at the last exit."""
    _, test = random_tables(samples=(600, 4000))
    interval = curve(*random_tables(samples=(600, 4000)))[-1].top1_interval
    share = test.correct[:, -1].mean()
    half_width = 100 * 1.96 * np.sqrt(share * (1 - share) / 4000)
    assert (interval.high - interval.low) / 2 == pytest.approx(half_width, rel=0.15)


def test_fifty_thousand_samples():
    """The size the protocol is used at; a quadratic algorithm would not come back."""
    big, test = random_tables(samples=(50_000, 50_000))
    points = curve(big, test)
    assert points[16].gmacs_mean == pytest.approx(points[16].target_gmacs, rel=1e-2)


def test_a_network_with_one_exit_has_one_point():
    calibration = made_up_table([[0.9], [0.8]], [[1], [1]], gmacs=(2,))
    (point,) = curve(calibration, made_up_table([[0.7], [0.2]], [[1], [0]], split='test'))
    assert (point.target_gmacs, point.gmacs_mean, point.top1_percent) == (2.0, 2.0, 50.0)
    assert point.exit_shares == {'exit0': 1.0}
    assert point.thresholds == {}


def test_a_policy_made_by_hand_becomes_an_operating_point():
    calibration, test = random_tables()
    names = calibration.manifest['exit_names']
    by_hand = ExitPolicy(names, 'margin', (0.5, 0.5, 0.5, ALWAYS))
    policy = on_calibration(by_hand, calibration)
    (found,) = operating_points(test, [('mine', policy)])
    assert (found.name, found.method, found.measure) == ('mine', 'by hand', 'margin')
    assert found.point.target_gmacs == found.point.calibration_gmacs_mean
    assert found.point.thresholds == dict.fromkeys(names[:-1], 0.5)
    assert operating_points(test, []) == []


def test_draws_of_two_models_on_the_same_samples_are_paired():
    calibration, test = random_tables()
    policies = choose_policies(calibration, [2.0, 3.0])
    first, again = curve_draws(test, policies), curve_draws(test, policies)
    np.testing.assert_array_equal(first.accuracies, again.accuracies)
    assert first.costs.shape == first.accuracies.shape == (1000, 2)
    assert first.costs.mean(0) == pytest.approx(
        [p.gmacs_mean for p in curve_points(test, policies)], rel=0.01
    )
