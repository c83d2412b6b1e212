"""What a row of exits could do, and where it goes wrong: oracle, random control, overthinking.

Everything is computed from ``correct`` (N, K), whether exit k is right about sample i; exits are in
order of execution. Accuracies and shares are fractions of the N samples, costs are in the unit they
come in.
"""

from dataclasses import dataclass

import numpy as np

from .bootstrap import subset_means


@dataclass(frozen=True, eq=False)
class Oracle:
    """The best any choice of exits could do.

    Attributes:
        accuracy: Share of the samples that some exit gets right; no policy has more.
        mean_cost: Of one sample; the least at which that accuracy can be had.
        shares: (K,), who leaves where.
    """

    accuracy: float
    mean_cost: float
    shares: np.ndarray


@dataclass(frozen=True, eq=False)
class Monotonicity:
    """Where going on makes things worse.

    Attributes:
        right_to_wrong: (K - 1,), share of the samples that exit k has right and exit k + 1 wrong.
        wrong_to_right: (K - 1,), the other way round. Their difference is the gain in accuracy.
        worse_than_earlier: (K,) bool, exits that are less accurate than some earlier exit.
    """

    right_to_wrong: np.ndarray
    wrong_to_right: np.ndarray
    worse_than_earlier: np.ndarray


def oracle(correct: np.ndarray, costs: np.ndarray) -> Oracle:
    """Every sample leaves at the first exit that is right about it.

    A sample that no exit gets right leaves at the first exit. An oracle knows that going on will
    not help; any other convention would have the same accuracy at a higher cost, and the oracle is
    there to bound what a policy can reach from above.

    Args:
        correct: (N, K) bool.
        costs: (K,), cumulative cost of the exits, rising.

    Raises:
        ValueError: No sample, shapes that do not fit, or costs that do not rise.
    """
    correct, costs = _checked(correct), np.asarray(costs, np.float64)
    if costs.shape != (correct.shape[1],) or not (np.diff(costs) > 0).all():
        raise ValueError(
            f'costs {costs} must be {correct.shape[1]} numbers that rise from exit to exit'
        )
    exits = correct.argmax(1)  # the first that is right; 0 where none is
    shares = np.bincount(exits, minlength=len(costs)) / len(correct)
    return Oracle(float(correct.any(1).mean()), float(shares @ costs), shares)


def random_exit_accuracy(shares: np.ndarray, exit_accuracy: np.ndarray) -> np.ndarray:
    """Expected accuracy if the same shares left at the same exits, but drawn blindly.

    What a policy has above this control is due to its confidence measure. Independence of exit and
    sample makes it the mean accuracy of the exits, weighted by their shares.

    Args:
        shares: (..., K), each row sums to 1.
        exit_accuracy: (K,), accuracy of each exit over all samples, in any unit.

    Returns:
        (...), in the unit of ``exit_accuracy``.

    Raises:
        ValueError: Shares that are no distribution over these exits.
    """
    shares, exit_accuracy = np.asarray(shares, np.float64), np.asarray(exit_accuracy, np.float64)
    if shares.shape[-1:] != exit_accuracy.shape:
        raise ValueError(f'shares {shares.shape} and accuracies {exit_accuracy.shape} do not fit')
    if not ((shares >= 0).all() and np.allclose(shares.sum(-1), 1)):
        raise ValueError(f'shares {shares} must be numbers from 0 to 1 that sum to 1')
    return shares @ exit_accuracy


def overthinking(correct: np.ndarray) -> float:
    """Share of the samples that some exit has right and the last one wrong.

    What Kaya et al. call destructive overthinking (Shallow-Deep Networks, arXiv 1810.07052).

    Args:
        correct: (N, K) bool.

    Raises:
        ValueError: No sample, or no table.
    """
    correct = _checked(correct)
    return float((correct & ~correct[:, -1:]).any(1).mean())


def monotonicity_violations(correct: np.ndarray) -> Monotonicity:
    """How many samples each step makes wrong and makes right, and which exits are a step back.

    Args:
        correct: (N, K) bool.

    Raises:
        ValueError: No sample, or no table.
    """
    correct = _checked(correct)
    before, after, hits = correct[:, :-1], correct[:, 1:], correct.sum(0)
    return Monotonicity(
        right_to_wrong=(before & ~after).mean(0),
        wrong_to_right=(~before & after).mean(0),
        worse_than_earlier=hits < np.maximum.accumulate(hits),
    )


def leavers(exits: np.ndarray, count: int) -> np.ndarray:
    """(N, count) bool, who left where: ``members`` for `bootstrap.subset_means`.

    Args:
        exits: (N,) int, the exit each sample left at.
        count: K.

    Raises:
        ValueError: An exit that does not exist.
    """
    exits = np.asarray(exits)
    if exits.ndim != 1 or not ((exits >= 0) & (exits < count)).all():
        raise ValueError(f'exits must be one number from 0 to {count - 1} per sample')
    return exits[:, None] == np.arange(count)


def accuracy_of_leavers(correct: np.ndarray, exits: np.ndarray) -> np.ndarray:
    """Accuracy of each exit among those who left there; NaN where nobody did.

    Weighted by the shares it sums to the accuracy of the policy.

    Args:
        correct: (N, K) bool.
        exits: (N,) int, the exit each sample left at.

    Returns:
        (K,) fractions.

    Raises:
        ValueError: No sample, shapes that do not fit, or an exit that does not exist.
    """
    correct = _checked(correct)
    return subset_means(correct, leavers(exits, correct.shape[1]))


def _checked(correct: np.ndarray) -> np.ndarray:
    correct = np.asarray(correct, bool)
    if correct.ndim != 2 or not correct.size:
        raise ValueError(f'correct must be (samples, exits), at least 1 each, not {correct.shape}')
    return correct
