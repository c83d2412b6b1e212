"""Confidence thresholds by the budgeted-batch protocol, and what they do to a table of confidences.

Protocol: MSDNet, arXiv 1703.09844, section 4; the geometric shares are its exit probabilities.
Everything is arithmetic on arrays of shape (samples, exits); no network is involved.
"""

from collections.abc import Sequence

import numpy as np

from ..errors import UserError

NEVER = np.inf
"""Threshold of an exit where nobody leaves."""

ALWAYS = -np.inf
"""Threshold of an exit where everybody who gets there leaves, such as the last one."""


DYN_PERCEIVER_WEIGHTS = (0.85, 1.0, 0.5, 1.0)
"""Weights of Dyn-Perceiver's four exits for `geometric_shares`.

From the published evaluation code (LeapLabTHU/Dynamic_Perceiver, ``adaptive_inference.py``).
There, exit by exit, the geometric share is multiplied by the weight and the shares of the later
exits are scaled so that all sum to 1 again; so a weight acts on the share *of those still in*
that leaves, and the last exit's weight is without effect.
"""


def full_network(exits: int) -> np.ndarray:
    """(K,) thresholds by which nobody leaves before the last exit."""
    return np.array([NEVER] * (exits - 1) + [ALWAYS])


def quota_thresholds(confidence: np.ndarray, shares: np.ndarray) -> np.ndarray:
    """Thresholds that send the wished share of the samples out at each exit.

    Of N samples, ``floor(N * (share_0 + ... + share_k))`` are to have left by exit k; what is
    missing of that is the exit's quota. The quota's most confident samples leave, and the threshold
    is the least confident of them. Samples of equal confidence leave together or stay together,
    whichever comes nearer to the quota (if both are as near, they leave); what that makes too many
    or too few is made up at later exits. The last exit takes the rest (`ALWAYS`). In particular:

    - A quota of 0 means that nobody leaves (`NEVER`), as does a share of 0 or nobody being left.
    - A quota of at least as many as are left means that everybody leaves (`ALWAYS`): on another
      split those less confident than any calibration sample leave, too.
    - Where all confidences are equal, everybody leaves if the quota is at least half of those who
      are left, and nobody otherwise.

    Args:
        confidence: (N, K), on the calibration split.
        shares: (K,), the share of all samples that each exit is to answer; they sum to 1.

    Returns:
        (K,) thresholds: values of ``confidence``, `NEVER` or `ALWAYS`.

    Raises:
        ValueError: There is no sample, a confidence is NaN or infinite, or the shares are no
            distribution.
    """
    check_confidence(confidence)
    count, exits = confidence.shape
    if shares.shape != (exits,) or not (shares >= 0).all() or not np.isclose(shares.sum(), 1):
        raise ValueError(f'shares {shares} must be {exits} numbers from 0 to 1 that sum to 1')
    to_have_left = np.floor(count * np.cumsum(shares) + 1e-9).astype(int)
    thresholds = np.full(exits, NEVER)
    thresholds[-1] = ALWAYS
    staying = np.arange(count)
    for k in range(exits - 1):
        quota = to_have_left[k] - (count - len(staying))
        if shares[k] == 0 or quota <= 0 or not len(staying):
            continue
        candidates = confidence[staying, k]
        thresholds[k] = _quota_threshold(candidates, quota)
        staying = staying[candidates < thresholds[k]]
    return thresholds


def _quota_threshold(confidence: np.ndarray, quota: int) -> float:
    """The threshold that about ``quota`` of these samples, at least 1, reach."""
    count = len(confidence)
    if quota >= count:
        return ALWAYS
    threshold = np.partition(confidence, count - quota)[count - quota]
    above = confidence > threshold
    too_many = np.count_nonzero(confidence >= threshold) - quota
    if too_many <= quota - np.count_nonzero(above):
        return threshold
    return confidence[above].min() if above.any() else NEVER


def choose_exits(confidence: np.ndarray, thresholds: np.ndarray) -> np.ndarray:
    """Index (N,) of the first exit whose threshold each sample reaches; else the last exit.

    Args:
        confidence: (N, K).
        thresholds: (K,); the last one is not looked at.
    """
    leaves = confidence >= thresholds
    leaves[:, -1] = True
    return leaves.argmax(1)


def geometric_shares(
    costs: np.ndarray, budgets: np.ndarray, weights: Sequence[float] | None = None
) -> np.ndarray:
    """Shares by powers of one number q, chosen so that their mean cost equals each budget.

    Without weights the share of exit k is proportional to q^k. With weights (see
    `DYN_PERCEIVER_WEIGHTS`) the share of those still in that leaves at exit k, which the powers
    of q give, is multiplied by ``weights[k]``. q is found by bisection; the mean cost rises with
    it either way. At the cheapest (dearest) budget everybody leaves at the first (last) exit.

    A first weight below 1 keeps some samples in at the first exit however small q is. Budgets
    that no q reaches for that reason mix the shares of the smallest q with everybody leaving at
    the first exit; the published sweep does not go there.

    Args:
        costs: (K,) cumulative cost of the exits, rising.
        budgets: (M,) mean costs, in the same unit, from ``costs[0]`` to ``costs[-1]``.
        weights: (K,), above 0 and at most 1; the last one has no effect.

    Returns:
        (M, K) shares; each row sums to 1.

    Raises:
        ValueError: Costs that do not rise, a budget that no exit distribution has, or weights
            that are out of range or not as many as the exits.
    """
    costs, budgets = check_budgets(costs, budgets)
    weights = _check_weights(weights, len(costs))
    if len(costs) == 1:
        return np.ones((len(budgets), 1))
    low, high = np.full(len(budgets), -700.0), np.full(len(budgets), 700.0)  # log q
    for _ in range(200):
        middle = (low + high) / 2
        too_cheap = _shares_of(middle, weights, len(costs)) @ costs < budgets
        low, high = np.where(too_cheap, middle, low), np.where(too_cheap, high, middle)
    shares = _shares_of((low + high) / 2, weights, len(costs))
    first, last = np.eye(len(costs))[[0, -1]]
    smallest_q = _shares_of(np.array([-700.0]), weights, len(costs))[0]
    unreached = budgets < smallest_q @ costs
    if unreached.any():
        mix = (budgets[unreached] - costs[0]) / (smallest_q @ costs - costs[0])
        shares[unreached] = first + mix[:, None] * (smallest_q - first)
    shares[budgets == costs[0]] = first
    shares[budgets == costs[-1]] = last
    return shares


def check_confidence(confidence: np.ndarray) -> None:
    """Refuse a calibration table (N, K) that no thresholds can be chosen from.

    Raises:
        ValueError: There is no sample, or a confidence is NaN or infinite (infinity would reach
            even the threshold `NEVER`).
    """
    if len(confidence) == 0:
        raise UserError('thresholds need at least one calibration sample, not an empty split')
    finite = np.isfinite(confidence)
    if not finite.all():
        sample, exit_index = np.argwhere(~finite)[0]
        raise UserError(
            f'{(~finite).sum()} confidence(s) of the calibration split are NaN or infinite, first '
            f'that of sample {sample} at exit {exit_index}: check the checkpoint the table is from'
        )


def check_table(confidence: np.ndarray, correct: np.ndarray, costs: np.ndarray) -> np.ndarray:
    """``correct`` as bool, after comparing the shapes of a calibration table's columns.

    Raises:
        ValueError: Shapes that differ, no sample, or a confidence that is NaN or infinite.
    """
    correct = np.asarray(correct).astype(bool)
    if confidence.ndim != 2 or correct.shape != confidence.shape:
        raise ValueError(
            f'confidence {confidence.shape} and correct {correct.shape} must both be (N, K)'
        )
    if np.shape(costs) != confidence.shape[1:]:
        raise ValueError(f'{confidence.shape[1]} exits need as many costs, not {costs}')
    check_confidence(confidence)
    return correct


def check_budgets(costs: np.ndarray, budgets: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Costs (K,) and budgets (M,) as float64, after checking them against each other.

    Raises:
        ValueError: Costs that are negative or do not rise from exit to exit, or a budget below
            the first one's or above the last one's.
    """
    costs, budgets = np.asarray(costs, float), np.atleast_1d(np.asarray(budgets, float))
    if not np.isfinite(costs).all() or costs[0] < 0 or (np.diff(costs) <= 0).any():
        raise ValueError(
            f'cumulative costs must rise from exit to exit, none negative, not {costs}'
        )
    outside = budgets[~((budgets >= costs[0]) & (budgets <= costs[-1]))]
    if len(outside):
        raise UserError(
            f'budget {outside[0]:g} lies outside what the exits cost, {costs[0]:g} to {costs[-1]:g}'
        )
    return costs, budgets


def _check_weights(weights: Sequence[float] | None, exits: int) -> np.ndarray | None:
    """The weights as an array, unless they are none, too few, too many or out of range."""
    if weights is None:
        return None
    weights = np.asarray(weights, float)
    if weights.shape != (exits,):
        raise UserError(
            f'{weights.size} weights {weights} do not fit a network of {exits} exits; the '
            f'Dyn-Perceiver weights are for its 4 exits only'
        )
    if not ((weights > 0) & (weights <= 1)).all():
        raise UserError(f'weights of shares must be above 0 and at most 1, not {weights}')
    return weights


def _shares_of(log_q: np.ndarray, weights: np.ndarray | None, exits: int) -> np.ndarray:
    """Normalised powers of q, without overflow, then weighted exit by exit. (M,) -> (M, K)."""
    logits = log_q[:, None] * np.arange(exits)
    powers = np.exp(logits - logits.max(1, keepdims=True))
    shares = powers / powers.sum(1, keepdims=True)
    if weights is None:
        return shares
    still_in = np.ones(len(log_q))
    for k in range(exits - 1):
        # The tail underflows to 0 where q is so small that nobody gets beyond exit k unweighted.
        tail = powers[:, k:].sum(1)
        leaving = np.divide(powers[:, k], tail, out=np.ones_like(tail), where=tail > 0)
        shares[:, k] = still_in * leaving * weights[k]
        still_in = still_in - shares[:, k]
    shares[:, -1] = still_in
    return shares
