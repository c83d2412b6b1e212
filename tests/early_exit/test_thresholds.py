"""The budgeted-batch protocol against closed forms and a plain re-statement of its text."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from dynp_plugins.early_exit.thresholds import (
    ALWAYS,
    DYN_PERCEIVER_WEIGHTS,
    NEVER,
    choose_exits,
    geometric_shares,
    quota_thresholds,
)


def plain_protocol(confidence, shares):
    """The protocol sample by sample, as it is written down."""
    count, exits = confidence.shape
    staying = list(range(count))
    thresholds = []
    for k in range(exits - 1):
        wanted = math.floor(count * sum(shares[: k + 1]) + 1e-9)
        quota = wanted - (count - len(staying))
        threshold = math.inf
        if shares[k] > 0 and quota > 0 and staying:
            # Of all thresholds the one that comes nearest to the quota, of equals the lower one.
            levels = sorted({confidence[i, k] for i in staying})
            reach = {t: sum(confidence[i, k] >= t for i in staying) for t in levels}
            nearest = min([*levels, math.inf], key=lambda t: abs(reach.get(t, 0) - quota))
            threshold = -math.inf if quota >= len(staying) else nearest
        thresholds.append(threshold)
        staying = [i for i in staying if confidence[i, k] < threshold]
    return [*thresholds, -math.inf]


def plain_exits(confidence, thresholds):
    return [
        next(k for k, t in enumerate(thresholds) if row[k] >= t or k == len(thresholds) - 1)
        for row in confidence
    ]


def test_hand_computed():
    confidence = np.array([[0.9, 0.1], [0.8, 0.2], [0.7, 0.3], [0.6, 0.4]])
    thresholds = quota_thresholds(confidence, np.array([0.5, 0.5]))
    assert thresholds.tolist() == [0.8, ALWAYS]
    assert choose_exits(confidence, thresholds).tolist() == [0, 0, 1, 1]


def test_quota_of_zero_lets_nobody_leave():
    confidence = np.ones((4, 3))
    thresholds = quota_thresholds(confidence, np.array([0.2, 0.0, 0.8]))  # floor(0.8) = 0
    assert thresholds.tolist() == [NEVER, NEVER, ALWAYS]
    assert choose_exits(confidence, thresholds).tolist() == [2, 2, 2, 2]


def test_quota_of_all_that_is_left_lets_everybody_leave_on_another_split_too():
    confidence = np.array([[0.9, 0.1], [0.8, 0.2], [0.7, 0.3]])
    thresholds = quota_thresholds(confidence, np.array([1.0, 0.0]))
    assert thresholds.tolist() == [ALWAYS, ALWAYS]
    assert choose_exits(np.array([[0.1, 0.9]]), thresholds).tolist() == [0]


def test_quota_beyond_what_is_left_takes_all():
    # Four tie at the first exit, so four leave there instead of three; two are left for the
    # second exit, which makes up for it.
    confidence = np.array([[0.9, 0.0, 0.0]] * 4 + [[0.2, 0.4, 0.0]] + [[0.2, 0.5, 0.0]])
    thresholds = quota_thresholds(confidence, np.array([0.5, 0.5, 0.0]))
    assert thresholds.tolist() == [0.9, ALWAYS, ALWAYS]
    assert choose_exits(confidence, thresholds).tolist() == [0, 0, 0, 0, 1, 1]


def test_ties_stay_where_that_is_nearer_to_the_quota_and_later_exits_make_up_for_it():
    # Two of ten are to leave at the first exit, where one is sure and nine tie; five of ten are to
    # have left by the second.
    confidence = np.array([[0.9, 0.0, 0.0]] + [[0.5, k / 10, 0.0] for k in range(9)])
    thresholds = quota_thresholds(confidence, np.array([0.2, 0.3, 0.5]))
    assert thresholds.tolist() == [0.9, 0.5, ALWAYS]
    assert np.bincount(choose_exits(confidence, thresholds)).tolist() == [1, 4, 5]


@pytest.mark.parametrize(('share', 'first'), [(0.25, NEVER), (0.5, 0.5), (0.75, 0.5), (1, ALWAYS)])
def test_all_equal_confidences_leave_together_or_stay_together(share, first):
    confidence = np.full((4, 2), 0.5)
    thresholds = quota_thresholds(confidence, np.array([share, 1 - share]))
    assert thresholds.tolist() == [first, ALWAYS]


def test_an_exit_without_a_share_is_never_used_though_somebody_gets_there():
    confidence = np.array([[0.9, 0.9, 0.9], [0.1, 0.9, 0.9], [0.1, 0.8, 0.9]])
    thresholds = quota_thresholds(confidence, np.array([1 / 3, 0.0, 2 / 3]))
    assert thresholds.tolist() == [0.9, NEVER, ALWAYS]
    assert choose_exits(confidence, thresholds).tolist() == [0, 2, 2]


def test_nan_goes_to_the_last_exit():
    """Where a table has one all the same, such as a test split's."""
    confidence = np.array([[np.nan, np.nan, np.nan], [0.1, np.nan, 0.1]])
    exits = choose_exits(confidence, np.array([0.5, ALWAYS, ALWAYS]))
    assert exits.tolist() == [2, 2]


def test_at_the_threshold_leaves():
    thresholds = np.array([0.5, ALWAYS])
    confidence = np.array([[0.5, 0.0], [np.nextafter(0.5, 0), 0.0]])
    assert choose_exits(confidence, thresholds).tolist() == [0, 1]


def test_floating_point_shares_do_not_lose_a_sample():
    confidence = np.arange(10.0)[:, None] * np.ones(2)
    thresholds = quota_thresholds(confidence, np.array([0.1 * 3, 0.7]))
    assert (choose_exits(confidence, thresholds) == 0).sum() == 3


@settings(max_examples=200, deadline=None)
@given(data=st.data(), count=st.integers(1, 40), exits=st.integers(1, 5))
def test_equals_the_plain_protocol(data, count, exits):
    """Coarse confidences, so that ties are common."""
    levels = st.integers(0, 5).map(lambda level: level / 5)
    confidence = data.draw(arrays(float, (count, exits), elements=levels))
    weights = np.array(data.draw(st.lists(st.integers(0, 4), min_size=exits, max_size=exits)))
    shares = weights / weights.sum() if weights.sum() else np.eye(exits)[-1]
    thresholds = quota_thresholds(confidence, shares)
    assert thresholds.tolist() == plain_protocol(confidence, shares)
    assert choose_exits(confidence, thresholds).tolist() == plain_exits(confidence, thresholds)


def test_without_ties_the_quotas_are_met_exactly():
    rng = np.random.RandomState(0)
    confidence = rng.rand(1000, 4)
    shares = np.array([0.4, 0.3, 0.2, 0.1])
    exits = choose_exits(confidence, quota_thresholds(confidence, shares))
    assert np.bincount(exits, minlength=4).tolist() == [400, 300, 200, 100]


def test_geometric_shares_meet_the_budgets():
    costs = np.array([0.458, 1.063, 1.228, 1.298])
    budgets = np.linspace(costs[0], costs[-1], 33)
    shares = geometric_shares(costs, budgets)
    np.testing.assert_allclose(shares.sum(1), 1)
    np.testing.assert_allclose(shares @ costs, budgets)
    assert shares[0].tolist() == [1, 0, 0, 0]
    assert shares[-1].tolist() == [0, 0, 0, 1]
    ratios = shares[1:-1, 1:] / shares[1:-1, :-1]
    np.testing.assert_allclose(ratios, ratios[:, :1] * np.ones(3), rtol=1e-6)


def test_geometric_shares_of_two_exits_in_closed_form():
    shares = geometric_shares(np.array([1.0, 3.0]), np.array([1.5]))
    np.testing.assert_allclose(shares, [[0.75, 0.25]])


def test_published_weights_act_on_the_share_of_those_still_in():
    """By hand for q = 1: unweighted, 1/4, 1/3 and 1/2 of those still in leave."""
    costs = np.array([1.0, 2.0, 3.0, 4.0])
    by_hand = [0.2125, 0.7875 / 3, 0.7875 * 2 / 3 / 4, 0.7875 * 2 / 3 * 3 / 4]
    shares = geometric_shares(costs, [by_hand @ costs], DYN_PERCEIVER_WEIGHTS)
    np.testing.assert_allclose(shares, [by_hand], rtol=1e-9)


def test_weighted_shares_meet_the_budgets_and_cost_more_with_every_budget():
    costs = np.array([0.458, 1.063, 1.228, 1.298])
    budgets = np.linspace(costs[0], costs[-1], 101)
    shares = geometric_shares(costs, budgets, DYN_PERCEIVER_WEIGHTS)
    assert (shares >= 0).all()
    np.testing.assert_allclose(shares.sum(1), 1)
    np.testing.assert_allclose(shares @ costs, budgets)
    assert shares[0].tolist() == [1, 0, 0, 0]
    assert shares[-1].tolist() == [0, 0, 0, 1]
    # More of everybody stays behind each exit: nothing jumps where q stops reaching the budgets.
    still_in = 1 - shares.cumsum(1)[:, :-1]
    assert (np.diff(still_in, axis=0) >= -1e-12).all()
    assert np.abs(np.diff(shares, axis=0)).max() < 0.1


def test_budgets_that_no_q_reaches_move_more_samples_to_the_first_exit():
    # The smallest q sends 85 % out at the first exit and all others at the second.
    costs, least = np.array([1.0, 2.0, 3.0, 4.0]), 0.85 * 1 + 0.15 * 2
    shares = geometric_shares(costs, [(1 + least) / 2, least], DYN_PERCEIVER_WEIGHTS)
    np.testing.assert_allclose(shares, [[0.925, 0.075, 0, 0], [0.85, 0.15, 0, 0]], atol=1e-12)


def test_weights_of_one_change_nothing():
    costs = np.array([1.0, 2.5, 3.0, 7.0, 8.0])
    budgets = np.linspace(1, 8, 29)
    np.testing.assert_allclose(
        geometric_shares(costs, budgets, [1] * 5), geometric_shares(costs, budgets), atol=1e-9
    )


def test_single_exit():
    assert geometric_shares(np.array([2.0]), np.array([2.0])).tolist() == [[1.0]]


@pytest.mark.parametrize(
    ('call', 'message'),
    [
        (
            lambda: geometric_shares(np.array([1.0, 2.0]), np.array([0.5])),
            'budget 0.5 lies outside',
        ),
        (
            lambda: geometric_shares(np.array([1.0, 2.0]), np.array([np.nan])),
            'budget nan lies outside',
        ),
        (lambda: geometric_shares(np.array([1.0, 1.0]), np.array([1.0])), 'must rise'),
        (lambda: geometric_shares(np.array([-1.0, 1.0]), np.array([1.0])), 'none negative'),
        (
            lambda: geometric_shares(np.arange(1.0, 4), np.array([1.0]), DYN_PERCEIVER_WEIGHTS),
            '4 weights .* 3 exits',
        ),
        (
            lambda: geometric_shares(np.arange(1.0, 3), np.array([1.0]), [1.5, 1.0]),
            'at most 1',
        ),
        (lambda: quota_thresholds(np.zeros((0, 2)), np.array([1.0, 0.0])), 'at least one'),
        (lambda: quota_thresholds(np.full((1, 1), np.nan), np.array([1.0])), 'NaN'),
        (
            lambda: quota_thresholds(np.array([[0.5, 0.5], [0.5, np.inf]]), np.ones(2) / 2),
            'infinite, first that of sample 1 at exit 1',
        ),
        (lambda: quota_thresholds(np.zeros((1, 2)), np.array([0.5, 0.6])), 'sum to 1'),
        (lambda: quota_thresholds(np.zeros((1, 2)), np.array([np.nan, 1.0])), 'sum to 1'),
    ],
)
def test_impossible_input(call, message):
    with pytest.raises(ValueError, match=message):
        call()
