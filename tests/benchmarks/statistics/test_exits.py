"""Oracle, random control, overthinking and monotonicity: by hand and by enumeration."""

from itertools import permutations, product

import numpy as np
import pytest

from benchmarks.statistics import (
    accuracy_of_leavers,
    leavers,
    monotonicity_violations,
    oracle,
    overthinking,
    random_exit_accuracy,
)

CORRECT = np.array(
    [
        [1, 1, 1],  # easy
        [0, 1, 1],  # needs the second exit
        [0, 1, 0],  # overthought
        [1, 0, 0],  # overthought from the start
        [0, 0, 0],  # hopeless
        [0, 0, 1],  # needs the last exit
        [1, 0, 1],  # wavers
        [0, 0, 0],
    ],
    bool,
)
COSTS = np.array([1.0, 2.0, 4.0])


def test_oracle_by_hand():
    found = oracle(CORRECT, COSTS)
    assert found.accuracy == 6 / 8
    np.testing.assert_array_equal(found.shares, [5 / 8, 2 / 8, 1 / 8])
    assert found.mean_cost == (5 * 1 + 2 * 2 + 1 * 4) / 8


def test_no_choice_of_exits_beats_the_oracle():
    """Over all 3^5 choices for five samples: none is more accurate, none as accurate is cheaper."""
    correct = CORRECT[[1, 2, 4, 5, 6]]
    outcomes = [
        (correct[np.arange(5), list(exits)].mean(), COSTS[list(exits)].mean())
        for exits in product(range(3), repeat=5)
    ]
    best = max(accuracy for accuracy, _ in outcomes)
    found = oracle(correct, COSTS)
    assert found.accuracy == best
    assert found.mean_cost == min(cost for accuracy, cost in outcomes if accuracy == best)


def test_random_exits_by_enumeration():
    """The mean over every assignment of the same exits to the samples."""
    correct, exits = CORRECT[[0, 1, 2, 3, 6]], (0, 0, 1, 2, 2)
    accuracies = [correct[range(5), order].mean() for order in permutations(exits)]
    found = random_exit_accuracy(np.bincount(exits) / 5, correct.mean(0))
    assert found == pytest.approx(np.mean(accuracies))


def test_random_exits_of_many_points_at_once():
    shares = np.array([[1, 0, 0], [0, 0, 1], [0.25, 0.25, 0.5]])
    np.testing.assert_allclose(random_exit_accuracy(shares, [60, 70, 80]), [60, 80, 72.5])


def test_overthinking_by_hand():
    assert overthinking(CORRECT) == 2 / 8


def test_overthinking_over_all_possible_samples():
    """Of the 2^K patterns, those wrong at the last exit and not wrong everywhere."""
    patterns = np.array(list(product([0, 1], repeat=4)), bool)
    assert overthinking(patterns) == (2**3 - 1) / 2**4


def test_the_oracle_gains_what_overthinking_loses():
    assert oracle(CORRECT, COSTS).accuracy == CORRECT[:, -1].mean() + overthinking(CORRECT)


def test_a_faultless_last_exit_overthinks_nothing():
    assert overthinking(np.array([[0, 1], [1, 1]])) == 0


def test_monotonicity_by_hand():
    found = monotonicity_violations(CORRECT)
    np.testing.assert_array_equal(found.right_to_wrong, [2 / 8, 1 / 8])
    np.testing.assert_array_equal(found.wrong_to_right, [2 / 8, 2 / 8])
    np.testing.assert_array_equal(found.worse_than_earlier, [False, False, False])
    gains = found.wrong_to_right - found.right_to_wrong
    np.testing.assert_allclose(gains, np.diff(CORRECT.mean(0)))


def test_an_exit_is_worse_than_any_earlier_one_not_only_its_neighbour():
    hits = [5, 8, 6, 7, 8, 9, 8]
    correct = np.arange(10)[:, None] < hits
    np.testing.assert_array_equal(
        monotonicity_violations(correct).worse_than_earlier, [0, 0, 1, 1, 0, 0, 1]
    )


def test_a_single_exit_has_no_steps():
    found = monotonicity_violations(CORRECT[:, :1])
    assert found.right_to_wrong.shape == found.wrong_to_right.shape == (0,)
    assert oracle(CORRECT[:, :1], [3.0]).mean_cost == 3
    assert overthinking(CORRECT[:, :1]) == 0


def test_accuracy_among_those_who_left():
    exits = np.array([0, 2, 2, 0, 0, 2, 0, 0])
    found = accuracy_of_leavers(CORRECT, exits)
    np.testing.assert_array_equal(found, [3 / 5, np.nan, 2 / 3])
    shares = leavers(exits, 3).mean(0)
    np.testing.assert_array_equal(shares, [5 / 8, 0, 3 / 8])
    assert np.nansum(found * shares) == CORRECT[np.arange(8), exits].mean()


def test_what_is_refused():
    with pytest.raises(ValueError, match='rise from exit to exit'):
        oracle(CORRECT, [1, 3, 2])
    with pytest.raises(ValueError, match='must be 3 numbers'):
        oracle(CORRECT, [1, 2])
    with pytest.raises(ValueError, match='sum to 1'):
        random_exit_accuracy([0.5, 0.6], [1, 1])
    with pytest.raises(ValueError, match='do not fit'):
        random_exit_accuracy([0.5, 0.5], [1, 1, 1])
    with pytest.raises(ValueError, match='from 0 to 2'):
        accuracy_of_leavers(CORRECT, np.full(8, 3))
    with pytest.raises(ValueError, match='at least 1 each'):
        overthinking(np.zeros((0, 3), bool))
