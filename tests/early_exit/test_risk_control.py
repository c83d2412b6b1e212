"""Risk control: p-values in closed form, the walk, and by simulation what it promises."""

import math

import numpy as np
import pytest
from scipy.stats import binom

from dynp_plugins.early_exit import risk_control
from dynp_plugins.early_exit.risk_control import (
    P_VALUES,
    binomial_p_value,
    hoeffding_bentkus_p_value,
    risk_controlled_thresholds,
    safe_to_cheap_path,
)
from dynp_plugins.early_exit.thresholds import ALWAYS, NEVER, choose_exits

from .calibration_tables import made_up_table


def risk_and_cost(confidence, correct, costs, thresholds):
    """Fraction of samples that the last exit alone gets right, and mean cost."""
    exits = choose_exits(confidence, thresholds)
    early = correct[np.arange(len(exits)), exits]
    return float((correct[:, -1] & ~early).mean()), float(costs[exits].mean())


def most_violations(draws, delta):
    """What a violation rate of delta exceeds once in a thousand simulations."""
    return binom.ppf(0.999, draws, delta)


def test_binomial_p_value_is_the_sum_of_the_probabilities():
    for losses in (0, 3, 20):
        terms = (math.comb(20, k) * 0.3**k * 0.7 ** (20 - k) for k in range(losses + 1))
        assert binomial_p_value(losses, 20, 0.3) == pytest.approx(sum(terms))


def test_hoeffding_bentkus_in_closed_form():
    assert hoeffding_bentkus_p_value(0, 50, 0.1) == pytest.approx(0.9**50)
    # Hoeffding's bound is the smaller one far below epsilon, Bentkus' one near it.
    divergence = 0.02 * math.log(0.02 / 0.1) + 0.98 * math.log(0.98 / 0.9)
    hoeffding, bentkus = math.exp(-1000 * divergence), math.e * binom.cdf(20, 1000, 0.1)
    assert hoeffding_bentkus_p_value(20, 1000, 0.1) == pytest.approx(min(hoeffding, bentkus))
    assert hoeffding_bentkus_p_value(80, 1000, 0.1) == pytest.approx(
        min(
            math.exp(-1000 * (0.08 * math.log(0.8) + 0.92 * math.log(0.92 / 0.9))),
            math.e * binom.cdf(80, 1000, 0.1),
        )
    )
    # Nothing speaks against a risk that is as high as epsilon or higher.
    assert hoeffding_bentkus_p_value(100, 1000, 0.1) == 1
    assert hoeffding_bentkus_p_value(999, 1000, 0.1) == 1
    # Fractional losses count as the next whole one for Bentkus.
    assert hoeffding_bentkus_p_value(78.5, 1000, 0.1) <= math.e * binom.cdf(79, 1000, 0.1)
    assert hoeffding_bentkus_p_value(78.5, 1000, 0.1) > hoeffding_bentkus_p_value(78, 1000, 0.1)


@pytest.mark.parametrize('name', P_VALUES)
@pytest.mark.parametrize(('samples', 'epsilon'), [(30, 0.1), (200, 0.02), (500, 0.3)])
def test_p_values_are_no_smaller_than_chance(name, samples, epsilon):
    """P(p <= u) <= u for every u where the risk is just epsilon, summed over all outcomes."""
    losses = np.arange(samples + 1)
    p = np.array([P_VALUES[name](k, samples, epsilon) for k in losses])
    assert (np.diff(p) >= 0).all()
    chance = binom.pmf(losses, samples, epsilon)
    for u in p:
        assert chance[p <= u].sum() <= u * (1 + 1e-9)


def test_the_walk_stops_at_the_first_failure(monkeypatch):
    """Though the step behind it, with nothing lost, would pass."""
    confidence = np.tile(np.float32([0.9, 0.5, 0.5]), (400, 1))
    confidence[::2, 0] = 0.1
    correct = np.ones((400, 3), bool)
    correct[:, 0] = False  # the first exit is wrong, the second is right
    costs = np.array([1.0, 2.0, 3.0])
    fine, bad = np.array([NEVER, ALWAYS, ALWAYS]), np.array([0.5, NEVER, ALWAYS])
    for path, passed, kept in [
        ([fine, bad, fine], 1, fine),
        ([bad, fine], 0, [NEVER, NEVER, ALWAYS]),
        ([fine, fine], 2, fine),
    ]:
        steps = [(thresholds, 3.0 - i) for i, thresholds in enumerate(path)]
        monkeypatch.setattr(risk_control, 'safe_to_cheap_path', lambda *_, s=steps: s)
        found = risk_controlled_thresholds(confidence, correct, costs, 0.05, 0.1)
        assert found.passed == passed
        assert found.path_length == len(path)
        assert len(found.steps) == min(passed + 1, len(path))
        assert found.thresholds.tolist() == list(kept)
        assert all((step.p_value <= 0.1) == (i < passed) for i, step in enumerate(found.steps))


def test_one_half_proposes_and_the_other_tests():
    confidence, correct, costs = made_up_table(801, 3, seed=0)
    found = risk_controlled_thresholds(confidence, correct, costs, 0.05, 0.1, seed=7)
    assert (found.n_design, found.n_test) == (400, 401)
    order = np.random.default_rng(7).permutation(801)
    design, test = order[:400], order[400:]
    assert len(found.steps) > 3
    for step in found.steps:
        _, cost = risk_and_cost(confidence[design], correct[design], costs, step.thresholds)
        assert step.design_cost == pytest.approx(cost)
        risk, cost = risk_and_cost(confidence[test], correct[test], costs, step.thresholds)
        assert (step.loss, step.test_cost) == pytest.approx((risk, cost))
        assert step.losses == round(401 * risk)
        assert step.p_value == binomial_p_value(step.losses, 401, 0.05)
    # What the test half says changes how far the walk goes, never where.
    correct[test, :-1] = True
    further = risk_controlled_thresholds(confidence, correct, costs, 0.05, 0.1, seed=7)
    assert further.passed == further.path_length > found.passed
    for before, after in zip(found.steps, further.steps, strict=False):
        assert before.thresholds.tolist() == after.thresholds.tolist()


def test_keeps_the_cheapest_of_the_steps_that_passed():
    table = made_up_table(2000, 4, seed=1, levels=30)
    found = risk_controlled_thresholds(*table, epsilon=0.03, delta=0.1)
    costs = [step.design_cost for step in found.steps]
    assert 0 < found.passed < len(found.steps)
    assert costs == sorted(costs, reverse=True)
    assert len(set(costs)) == len(costs)
    assert found.thresholds.tolist() == found.steps[found.passed - 1].thresholds.tolist()


def test_a_step_passes_up_to_delta_and_not_beyond():
    table = made_up_table(600, 3, seed=0, levels=20)
    failed = risk_controlled_thresholds(*table, epsilon=0.06, delta=0.1).steps[-1]
    assert 0.1 < failed.p_value < 0.5
    for delta, more in [(failed.p_value, True), (failed.p_value * (1 - 1e-9), False)]:
        found = risk_controlled_thresholds(*table, epsilon=0.06, delta=delta)
        last_kept = failed.thresholds.tolist() in [s.thresholds.tolist() for s in found.steps[:-1]]
        assert last_kept == more


def test_the_path_goes_down_gently_to_the_first_exit_for_all():
    confidence, correct, costs = made_up_table(1000, 4, seed=2, levels=30)
    lossless = correct | ~correct[:, -1:]
    path = safe_to_cheap_path(confidence, lossless, costs)
    means = [costs[-1]]
    for thresholds, mean in path:
        assert mean == risk_and_cost(confidence, correct, costs, thresholds)[1]
        means.append(mean)
    assert (np.diff(means) < 0).all()
    assert np.diff(means).min() > -0.1 * (costs[-1] - costs[0])
    assert path[-1][0].tolist() == [ALWAYS, NEVER, NEVER, ALWAYS]


def test_risk_bounds_the_loss_of_accuracy():
    confidence, correct, costs = made_up_table(5000, 3, seed=0, levels=20)
    found = risk_controlled_thresholds(confidence, correct, costs, 0.05, 0.1)
    exits = choose_exits(confidence, found.thresholds)
    lost = correct[:, -1].mean() - correct[np.arange(5000), exits].mean()
    risk, _ = risk_and_cost(confidence, correct, costs, found.thresholds)
    assert 0 < lost <= risk


@pytest.mark.parametrize('p_value', P_VALUES)
def test_a_good_early_exit_saves_much(p_value):
    confidence, correct, costs = made_up_table(4000, 2, seed=0)
    correct[:, 0] = correct[:, 1] ^ (confidence[:, 0] < 0.2)  # wrong only where it is unsure
    found = risk_controlled_thresholds(confidence, correct, costs, 0.02, 0.05, p_value)
    risk, cost = risk_and_cost(confidence, correct, costs, found.thresholds)
    assert risk <= 0.02
    could_leave = (confidence[:, 0] >= 0.2).mean()
    assert cost <= costs[-1] - 0.95 * could_leave * (costs[-1] - costs[0])


def test_a_useless_early_exit_leaves_the_full_network():
    confidence, correct, costs = made_up_table(500, 3, seed=0)
    correct[:, :-1], correct[:, -1] = False, True
    found = risk_controlled_thresholds(confidence, correct, costs, 0.01, 0.1)
    assert found.passed == 0
    assert found.thresholds.tolist() == [NEVER, NEVER, ALWAYS]
    assert len(found.steps) == 1
    assert found.steps[0].p_value > 0.1


def test_one_exit_has_nothing_to_test():
    found = risk_controlled_thresholds(
        np.ones((500, 1)), np.ones((500, 1), bool), np.ones(1), 0.1, 0.1
    )
    assert (found.thresholds.tolist(), found.path_length, found.steps) == ([ALWAYS], 0, ())


def simulate(population, samples, epsilon, delta, p_value, draws=300):
    """Violations over calibration splits drawn from a population, and the mean share saved."""
    confidence, correct, costs = population
    rng = np.random.default_rng(0)
    violations, saved = 0, 0.0
    for draw in range(draws):
        drawn = rng.integers(0, len(confidence), samples)
        found = risk_controlled_thresholds(
            confidence[drawn], correct[drawn], costs, epsilon, delta, p_value, seed=draw
        )
        risk, cost = risk_and_cost(confidence, correct, costs, found.thresholds)
        violations += risk > epsilon
        saved += (1 - cost / costs[-1]) / draws
    return violations, saved


@pytest.mark.parametrize('p_value', P_VALUES)
@pytest.mark.parametrize(
    ('exits', 'levels', 'samples', 'epsilon'), [(2, None, 300, 0.05), (4, 12, 400, 0.03)]
)
def test_violations_are_rarer_than_delta(p_value, exits, levels, samples, epsilon):
    """The true risk is counted in the large population that calibration splits are drawn from."""
    population = made_up_table(40_000, exits, seed=9, levels=levels)
    violations, saved = simulate(population, samples, epsilon, 0.1, p_value)
    assert violations <= most_violations(300, 0.1)
    assert saved > 0.08  # it is not safe by doing nothing


def test_violations_where_thresholds_fit_the_noise():
    """Confidences say nothing, so whatever looks safe on the design half is chance."""
    _, correct, costs = made_up_table(40_000, 4, seed=9)
    noise = np.random.default_rng(0).integers(0, 12, correct.shape).astype(np.float32)
    violations, saved = simulate((noise, correct, costs), 200, 0.08, 0.1, 'binomial')
    assert violations <= most_violations(300, 0.1)
    assert saved > 0.05


@pytest.mark.parametrize('p_value', P_VALUES)
def test_violations_where_the_first_step_is_just_above_epsilon(p_value):
    """The worst case: one threshold to try, of a true risk of 1.001 epsilon."""
    draws, samples, epsilon, delta = 600, 800, 0.05, 0.1
    costs = np.array([1.0, 2.0])
    rng = np.random.default_rng(1)
    violations = 0
    for draw in range(draws):
        sure = rng.random(samples) < 0.5
        confidence = np.stack([np.where(sure, 0.9, 0.1), np.ones(samples)], 1).astype(np.float32)
        correct = np.ones((samples, 2), bool)
        # Of the sure ones twice 1.001 epsilon are wrong early, of the others all.
        correct[:, 0] = sure & (rng.random(samples) >= 2 * 1.001 * epsilon)
        found = risk_controlled_thresholds(
            confidence, correct, costs, epsilon, delta, p_value, seed=draw
        )
        assert (found.steps[0].p_value <= delta) == (found.passed > 0)
        violations += found.passed > 0
    assert violations <= most_violations(draws, delta)
    # As often as the p-value falls below delta by chance: neither more nor less.
    losses = np.arange(samples // 2 + 1)
    passes = [P_VALUES[p_value](k, samples // 2, epsilon) <= delta for k in losses]
    expected = binom.pmf(losses, samples // 2, 1.001 * epsilon)[passes].sum()
    low, high = binom.ppf([0.0005, 0.9995], draws, expected)
    assert low <= violations <= high


def test_needs_as_many_samples_as_a_faultless_test_takes():
    """0.95^44 > 0.1 >= 0.95^45, and the design half may be one smaller."""
    confidence, costs = np.arange(178.0).reshape(89, 2), np.array([1.0, 2.0])
    for p_value in P_VALUES:
        found = risk_controlled_thresholds(
            confidence, np.ones((89, 2), bool), costs, 0.05, 0.1, p_value
        )
        assert (found.n_design, found.n_test) == (44, 45)
        assert found.thresholds.tolist() == [ALWAYS, ALWAYS]
    with pytest.raises(ValueError, match=r'at least 89 calibration samples .* not 88'):
        risk_controlled_thresholds(confidence[:88], np.ones((88, 2), bool), costs, 0.05, 0.1)


@pytest.mark.parametrize(
    ('change', 'message'),
    [
        ({'epsilon': 0.0}, 'epsilon must lie between 0 and 1 .* not 0.0'),
        ({'epsilon': 1.0}, 'epsilon must lie'),
        ({'delta': 1.5}, 'delta must lie between 0 and 1 .* not 1.5'),
        ({'delta': math.nan}, 'delta must lie'),
        ({'p_value': 'normal'}, "'normal': choose one of binomial, hoeffding_bentkus"),
        ({'confidence': np.full((100, 2), np.nan)}, 'NaN'),
        ({'costs': np.array([2.0, 1.0])}, 'must rise'),
        ({'correct': np.zeros((100, 3))}, r'must both be \(N, K\)'),
        (
            {'confidence': np.zeros((1, 2)), 'correct': np.zeros((1, 2)), 'epsilon': 0.99},
            'at least 2 calibration samples',
        ),
    ],
)
def test_impossible_input(change, message):
    arguments = {
        'confidence': np.zeros((100, 2)),
        'correct': np.zeros((100, 2), bool),
        'costs': np.array([1.0, 2.0]),
        'epsilon': 0.1,
        'delta': 0.1,
    }
    with pytest.raises(ValueError, match=message):
        risk_controlled_thresholds(**{**arguments, **change})
