"""From a calibration table to policies: budgets met, facts recorded, misuse refused."""

from itertools import product

import numpy as np
import pytest

from dynp_plugins import UserError
from dynp_plugins.early_exit import (
    METHODS,
    NEVER,
    ExitPolicy,
    choose_exits,
    choose_policies,
    choose_policy,
    on_calibration,
    risk_controlled_policy,
)
from tests.exit_tables import made_up_table, random_tables


@pytest.fixture(scope='module')
def calibration():
    return random_tables()[0]


@pytest.mark.parametrize('method', METHODS)
def test_budgets_are_met_and_facts_recorded(calibration, method):
    for budget in (1.0, 1.7, 2.5, 4.0):
        policy = choose_policy(calibration, budget, method)
        exits = choose_exits(calibration.confidence('max_softmax'), np.array(policy.thresholds))
        expected = policy.expected
        assert expected.gmacs_mean == pytest.approx((exits + 1).mean())
        slack = 0.01 if method != 'pareto' else 1e-9
        assert expected.gmacs_mean <= budget * (1 + slack)
        assert expected.top1_percent == 100 * calibration.correct[range(600), exits].mean()
        assert list(expected.exit_shares.values()) == [(exits == k).mean() for k in range(4)]
        assert list(expected.exit_gmacs.values()) == [1.0, 2.0, 3.0, 4.0]
        assert (policy.method, policy.settings) == (method, {'budget_gmacs': budget})
        assert policy.calibration.sha256 == calibration.manifest['index_sha256']
        assert (policy.model, policy.weights_sha256, policy.classes) == ('net', 'w' * 64, 10)


def test_pareto_is_at_least_as_accurate_as_the_sweep_at_the_sweep_s_own_cost(calibration):
    for policy in choose_policies(calibration, np.linspace(1, 4, 9)):
        cost = policy.expected.gmacs_mean
        better = choose_policy(calibration, cost, 'pareto')
        assert better.expected.top1_percent >= policy.expected.top1_percent
        assert better.expected.gmacs_mean <= cost + 1e-9


def test_patience_meets_budgets_as_nearly_as_its_few_values_allow():
    """Everybody has a patience of 1 at the first exit; nobody may be sent out there by that."""
    table = random_tables()[0]
    counts = np.minimum(1 + np.arange(4), 1 + (table.confidence('margin') > 0.8).cumsum(1))
    patience = counts.astype(np.float32)
    patience[:, 0] = 1
    table.confidences['patience'] = patience
    for budget in (2.5, 3.0, 3.5):
        policy = choose_policy(table, budget, measure='patience')
        reachable = [
            (choose_exits(patience, np.array([*rule, -np.inf])) + 1).mean()
            for rule in product((1, 2, 3, NEVER), repeat=3)
        ]
        nearest = min(abs(cost - budget) for cost in reachable)
        assert abs(policy.expected.gmacs_mean - budget) <= nearest + 0.5
        assert policy.expected.exit_shares['exit0'] == 0


def test_risk_control_keeps_its_word_on_the_population():
    calibration, population = random_tables(samples=(3000, 40_000))
    policy = risk_controlled_policy(calibration, epsilon=0.03, delta=0.1)
    exits = choose_exits(population.confidence('max_softmax'), np.array(policy.thresholds))
    accuracy = population.correct[range(40_000), exits].mean()
    assert population.correct[:, -1].mean() - accuracy <= 0.03
    assert policy.expected.gmacs_mean < 3.9  # and it does save something
    assert policy.method == 'risk_control'
    assert policy.settings == {'epsilon': 0.03, 'delta': 0.1, 'p_value': 'binomial', 'seed': 0}


def test_thresholds_are_not_chosen_on_another_split():
    with pytest.raises(UserError, match=r'calibration split alone, and this .* the test split'):
        choose_policy(random_tables()[1], 2.0)


@pytest.mark.parametrize(
    ('budget', 'options', 'message'),
    [
        (0.5, {}, r'budget of 0\.5 GMACs .*first one needs 1 GMACs, the last one 4'),
        (4.5, {}, r'budget of 4\.5 GMACs lies outside'),
        (float('nan'), {}, 'budget of nan'),
        (2.0, {'method': 'luck'}, "'luck': choose one of geometric, dyn_perceiver, pareto"),
        (2.0, {'measure': 'luck'}, "'luck': choose one of max_softmax"),
    ],
)
def test_wishes_that_cannot_be_met(calibration, budget, options, message):
    with pytest.raises(UserError, match=message):
        choose_policy(calibration, budget, **options)


def test_budgets_at_the_ends_as_tables_print_them_are_taken(calibration):
    assert choose_policy(calibration, 0.999995).expected.gmacs_mean == 1
    assert choose_policy(calibration, 4.00001).expected.gmacs_mean == 4


def test_the_published_weights_are_for_four_exits():
    table = random_tables(exits=3)[0]
    with pytest.raises(UserError, match='weights for 4 exits, and net has 3'):
        choose_policy(table, 2.0, 'dyn_perceiver')


def test_risk_control_says_how_many_samples_it_needs():
    table = made_up_table(np.full((20, 2), 0.5), np.ones((20, 2)))
    with pytest.raises(UserError, match=r'risk control on the calibration split: .*samples'):
        risk_controlled_policy(table, epsilon=0.01, delta=0.05)


def test_a_policy_of_another_network_is_not_evaluated(calibration):
    with pytest.raises(UserError, match='with the exits a, b, but this network has exit0'):
        on_calibration(ExitPolicy(('a', 'b'), 'margin', (0.5, -np.inf)), calibration)


def test_a_table_without_costs():
    with pytest.raises(UserError, match='does not say what its exits cost'):
        choose_policy(random_tables(exit_gmacs=None)[0], 2.0)
