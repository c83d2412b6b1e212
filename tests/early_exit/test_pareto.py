"""Pareto thresholds against brute force, the geometric sweep and cases known by hand."""

import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from dynp_plugins.early_exit import pareto
from dynp_plugins.early_exit.pareto import pareto_thresholds
from dynp_plugins.early_exit.pareto_front import Front, RankTable, search_grid, search_lines
from dynp_plugins.early_exit.thresholds import (
    ALWAYS,
    NEVER,
    choose_exits,
    geometric_shares,
    quota_thresholds,
)

from .calibration_tables import made_up_table


def outcome(confidence, correct, costs, thresholds):
    """Right answers and mean cost of (K,) thresholds, sample by sample."""
    exits = choose_exits(confidence, thresholds)
    return int(correct[np.arange(len(exits)), exits].sum()), float(costs[exits].mean())


def outcomes(confidence, correct, costs, rows):
    return np.array([outcome(confidence, correct, costs, row) for row in rows]).T


def brute_force(confidence, correct, costs, budget):
    """The most right answers within a budget, and the least they cost."""
    values = [[*np.unique(column), NEVER] for column in confidence.T[:-1]]
    tried = (
        outcome(confidence, correct, costs, np.array([*row, ALWAYS]))
        for row in itertools.product(*values)
    )
    return max((right, -cost) for right, cost in tried if cost <= budget * (1 + 1e-12))


@st.composite
def small_tables(draw, max_samples=7):
    """Coarse confidences, so that ties are common; float costs as they come."""
    samples, exits = draw(st.integers(1, max_samples)), draw(st.integers(1, 4))
    confidence = draw(
        arrays(np.float32, (samples, exits), elements=st.sampled_from([0.1, 0.3, 0.7, 0.9]))
    )
    correct = draw(arrays(bool, (samples, exits)))
    steps = draw(st.lists(st.floats(0.01, 3), min_size=exits, max_size=exits))
    return confidence, correct, np.cumsum(steps)


@settings(max_examples=150, deadline=None)
@given(table=small_tables(), parts=st.lists(st.floats(0, 1), min_size=1, max_size=4))
def test_equals_brute_force(table, parts):
    confidence, correct, costs = table
    budgets = np.clip(costs[0] + np.array(parts) * (costs[-1] - costs[0]), costs[0], costs[-1])
    rows = pareto_thresholds(confidence, correct, costs, budgets)
    assert rows.shape == (len(budgets), len(costs))
    for row, budget in zip(rows, budgets, strict=True):
        right, cost = outcome(confidence, correct, costs, row)
        best, least = brute_force(confidence, correct, costs, budget)
        assert right == best
        assert cost == pytest.approx(-least, rel=1e-12)


@settings(max_examples=60, deadline=None)
@given(table=small_tables(max_samples=12), limit=st.sampled_from([0, 10**6]))
def test_limits_are_kept_and_thresholds_are_confidences(table, limit):
    """Also by search, and where a limit is exactly what some thresholds cost."""
    confidence, correct, costs = table
    shares = geometric_shares(costs, np.linspace(costs[0], costs[-1], 5))
    rows = [quota_thresholds(confidence, row) for row in shares]
    _, budgets = outcomes(confidence, correct, costs, rows)
    budgets = budgets.clip(costs[0], costs[-1])
    for row, budget in zip(
        pareto_thresholds(confidence, correct, costs, budgets, exact_combinations=limit),
        budgets,
        strict=True,
    ):
        assert outcome(confidence, correct, costs, row)[1] <= budget * (1 + 1e-12)
        assert row[-1] == ALWAYS
        for threshold, column in zip(row[:-1], confidence.T, strict=False):
            assert threshold in (NEVER, ALWAYS) or threshold in column  # the very float32


@settings(max_examples=100, deadline=None)
@given(table=small_tables(max_samples=12), seed=st.integers(0, 99))
def test_counts_are_those_of_the_samples(table, seed):
    """Every candidate that the two fast searches keep, sample by sample."""
    confidence, correct, costs = table
    if len(costs) == 1:
        return
    ranks = RankTable(confidence, correct, costs)
    rng = np.random.default_rng(seed)
    for search in (
        lambda front: search_lines(ranks, front, rng.integers(0, ranks.nobody_leaves + 1)),
        lambda front: search_grid(
            ranks, front, [np.unique(rng.integers(0, n + 1, 3)) for n in ranks.nobody_leaves]
        ),
    ):
        front = Front(len(confidence), len(costs) - 1)
        search(front)
        known = np.flatnonzero(front.cost < np.iinfo(np.int64).max)
        assert len(known)
        for right in known:
            row = ranks.confidences(front.thresholds[right])
            mean = front.cost[right] / ranks.scale / len(confidence)
            assert outcome(confidence, correct, costs, row) == (right, pytest.approx(mean))


@pytest.mark.parametrize(
    ('samples', 'exits', 'levels'),
    [(200, 3, None), (60, 4, None), (5000, 5, 20), (3000, 6, 10)],
)
@pytest.mark.parametrize('seed', [0, 1])
def test_search_comes_close_to_the_optimum(samples, exits, levels, seed):
    """Within 0.25 % of the samples at every budget, within 0.02 % on average."""
    table = made_up_table(samples, exits, seed, levels)
    budgets = np.linspace(table[2][0], table[2][-1], 33)
    best, _ = outcomes(*table, pareto_thresholds(*table, budgets))
    found, _ = outcomes(*table, pareto_thresholds(*table, budgets, exact_combinations=0))
    missed = (best - found) / samples
    assert missed.min() >= 0  # else the exact solution would not be exact
    assert missed.max() <= 0.0025
    assert missed.mean() <= 0.0002


@pytest.mark.parametrize(
    ('samples', 'exits', 'budgets'),
    [(2000, 3, 33), (1000, 4, 33), (5000, 5, 33), (1000, 12, 9), (50_000, 7, 5)],
)
def test_search_beats_the_geometric_sweep_at_its_own_cost(samples, exits, budgets):
    table = made_up_table(samples, exits, seed=samples + exits)
    costs = table[2]
    shares = geometric_shares(costs, np.linspace(costs[0], costs[-1], budgets))
    geometric, cost = outcomes(*table, [quota_thresholds(table[0], row) for row in shares])
    found, _ = outcomes(*table, pareto_thresholds(*table, cost.clip(costs[0], costs[-1])))
    assert (found >= geometric).all()
    assert (found - geometric).mean() >= 0.001 * samples


def test_geometric_thresholds_of_a_budget_bound_all_budgets(monkeypatch):
    """Whatever the search finds, also between the budgets that it adds by itself."""

    def only_itself(table, front, candidate):
        search_grid(table, front, [candidate[k : k + 1] for k in range(len(candidate))])

    monkeypatch.setattr(pareto, 'GRID_STEPS', ())
    monkeypatch.setattr(pareto, 'search_lines', only_itself)
    table = made_up_table(400, 4, seed=5)
    costs = table[2]
    targets = np.linspace(costs[0], costs[-1], 50)[1:-1]
    rows = [quota_thresholds(table[0], row) for row in geometric_shares(costs, targets)]
    right, cost = outcomes(*table, rows)
    budgets = np.concatenate([targets, cost.clip(costs[0], costs[-1])])
    found, _ = outcomes(*table, pareto_thresholds(*table, budgets, exact_combinations=0))
    assert (found[len(targets) :] >= right).all()


def test_accuracy_rises_with_the_budget_and_its_order_is_of_no_matter():
    table = made_up_table(300, 4, seed=3)
    budgets = np.linspace(table[2][0], table[2][-1], 20)
    rows = pareto_thresholds(*table, budgets, exact_combinations=0)
    right, cost = outcomes(*table, rows)
    assert (np.diff(right) >= 0).all()
    assert (np.diff(cost) >= 0).all()
    order = np.random.default_rng(0).permutation(20)
    again = pareto_thresholds(*table, budgets[order], exact_combinations=0)
    assert again.tolist() == rows[order].tolist()


@pytest.mark.parametrize('limit', [0, 10**6])
def test_never_goes_on_to_a_worse_exit(limit):
    """However much the budget allows: the last two of four exits are wrong more often."""
    confidence, correct, costs = made_up_table(90, 4, seed=0)
    correct[:, 2:] = correct[:, 1:2] & (np.arange(90) % 3 > 0)[:, None]
    (row,) = pareto_thresholds(confidence, correct, costs, costs[-1:], limit)
    assert choose_exits(confidence, row).max() == 1
    assert (row[1], row[2]) == (ALWAYS, NEVER)
    assert outcome(confidence, correct, costs, row)[0] >= correct[:, 1].sum()


def test_two_exits_are_exact_whatever_the_limit_of_combinations():
    table = made_up_table(300, 2, seed=1)
    budget = table[2][:1] + 0.4
    rows = pareto_thresholds(*table, budget, exact_combinations=0)
    right, cost = brute_force(*table, budget[0])
    assert outcome(*table, rows[0]) == (right, pytest.approx(-cost))


def test_one_exit():
    rows = pareto_thresholds(np.ones((3, 1)), np.ones((3, 1), bool), np.array([2.0]), [2.0, 2.0])
    assert rows.tolist() == [[ALWAYS], [ALWAYS]]


def test_by_hand():
    """Sample 0 is sure and right early; 1 is sure but wrong early; 2 is unsure and right early."""
    confidence = np.array([[0.9, 0], [0.8, 0], [0.3, 0]], np.float32)
    correct = np.array([[1, 1], [0, 1], [1, 1]], bool)
    rows = pareto_thresholds(confidence, correct, np.array([1.0, 4.0]), [1.0, 2.9, 3.0, 4.0])
    leaves_first = float(np.float32(0.9))
    # With 2.9, two of three right cost least where all leave early; 3.0 is what all right cost.
    assert rows[:, 0].tolist() == [ALWAYS, ALWAYS, leaves_first, leaves_first]


def test_equal_confidences_leave_together_or_not_at_all():
    confidence = np.full((10, 3), 0.5, np.float32)
    correct = np.zeros((10, 3), bool)
    correct[:4, 0], correct[:7, 1], correct[:7, 2] = True, True, True
    rows = pareto_thresholds(confidence, correct, np.array([1.0, 2.0, 3.0]), [1.0, 1.9, 2.0, 3.0])
    # Nobody gets to the exits behind; the third is no better than the second, and dearer.
    first, second = [ALWAYS, NEVER, ALWAYS], [NEVER, ALWAYS, ALWAYS]
    assert rows.tolist() == [first, first, second, second]


@pytest.mark.parametrize('first', [1.1e-9, 1.3e-9, 1.7e-9, 1.9e-9])
def test_very_different_costs(first):
    """Rounding against the dearest exit neither closes a budget nor opens one too far."""
    confidence, correct, _ = made_up_table(1000, 3, seed=0)
    correct[:, 1:] = True  # every sample that goes on helps, and nobody needs the last exit
    costs = np.array([first, 2e-9, 1.0])
    rows = pareto_thresholds(confidence, correct, costs, costs, exact_combinations=0)
    assert rows.tolist() == [[ALWAYS, NEVER, ALWAYS], rows[1].tolist(), rows[1].tolist()]
    budgets = (costs[0] + np.arange(1, 10) / 10 * (costs[1] - costs[0])) * (1 - 1e-9)
    rows = pareto_thresholds(confidence, correct, costs, budgets, exact_combinations=0)
    right, realised = outcomes(confidence, correct, costs, rows)
    assert (realised <= budgets * (1 + 1e-12)).all()
    again = pareto_thresholds(confidence, correct, costs, realised, exact_combinations=0)
    assert (outcomes(confidence, correct, costs, again)[0] >= right).all()
    assert (realised > costs[0] + (budgets - costs[0]) * 0.9).all()


@pytest.mark.parametrize(
    ('change', 'message'),
    [
        ({'budgets': [0.5]}, 'budget 0.5 lies outside what the exits cost, 1 to 2'),
        ({'budgets': [1.0, 2.5]}, 'budget 2.5 lies outside'),
        ({'costs': np.array([2.0, 2.0])}, 'must rise'),
        ({'costs': np.array([1.0, 2.0, 3.0])}, '2 exits need as many costs'),
        ({'confidence': np.full((3, 2), np.nan)}, 'NaN'),
        ({'confidence': np.zeros((3, 3))}, r'must both be \(N, K\)'),
        ({'confidence': np.zeros((0, 2)), 'correct': np.zeros((0, 2))}, 'at least one'),
    ],
)
def test_impossible_input(change, message):
    arguments = {
        'confidence': np.zeros((3, 2)),
        'correct': np.zeros((3, 2), bool),
        'costs': np.array([1.0, 2.0]),
        'budgets': [1.5],
    }
    with pytest.raises(ValueError, match=message):
        pareto_thresholds(**{**arguments, **change})
