"""Confidence thresholds by the budgeted-batch protocol, and what they do to a table of confidences.

Protocol: MSDNet, arXiv 1703.09844, section 4; the geometric shares are its exit probabilities.
Everything is arithmetic on arrays of shape (samples, exits); no network is involved.
"""

import numpy as np

NEVER = np.inf
"""Threshold of an exit where nobody leaves."""

ALWAYS = -np.inf
"""Threshold of the last exit."""


def quota_thresholds(confidence: np.ndarray, shares: np.ndarray) -> np.ndarray:
    """Thresholds that send the wished share of the samples out at each exit.

    Exit by exit, the ``floor(N * share)`` most confident of the samples that have not left yet are
    to leave, and the threshold is the least confident of them; every sample at or above a
    threshold leaves. A quota of 0 means that nobody leaves (`NEVER`), a quota above what is left
    takes all that is left. The last exit takes the rest (`ALWAYS`).

    Args:
        confidence: (N, K), on the calibration split.
        shares: (K,), the share of all samples that each exit is to answer; they sum to 1.

    Returns:
        (K,) thresholds.

    Raises:
        ValueError: There is no sample, a confidence is NaN, or the shares are no distribution.
    """
    count, exits = confidence.shape
    if count == 0:
        raise ValueError('thresholds need at least one calibration sample')
    if np.isnan(confidence).any():
        raise ValueError('a confidence is NaN')
    if shares.shape != (exits,) or (shares < 0).any() or not np.isclose(shares.sum(), 1):
        raise ValueError(f'shares {shares} must be {exits} numbers from 0 to 1 that sum to 1')
    thresholds = np.full(exits, NEVER)
    thresholds[-1] = ALWAYS
    staying = np.arange(count)
    for k in range(exits - 1):
        quota = min(int(np.floor(count * shares[k] + 1e-9)), len(staying))
        if quota == 0:
            continue
        candidates = confidence[staying, k]
        thresholds[k] = np.partition(candidates, len(candidates) - quota)[len(candidates) - quota]
        staying = staying[candidates < thresholds[k]]
    return thresholds


def choose_exits(confidence: np.ndarray, thresholds: np.ndarray) -> np.ndarray:
    """Index (N,) of the first exit whose threshold each sample reaches; else the last exit.

    Args:
        confidence: (N, K).
        thresholds: (K,); the last one is not looked at.
    """
    leaves = confidence >= thresholds
    leaves[:, -1] = True
    return leaves.argmax(1)


def geometric_shares(costs: np.ndarray, budgets: np.ndarray) -> np.ndarray:
    """Shares proportional to q^k whose mean cost equals each budget.

    q is found by bisection; the mean cost rises with it. At the cheapest (dearest) budget
    everybody leaves at the first (last) exit.

    Args:
        costs: (K,) cumulative cost of the exits, rising.
        budgets: (M,) mean costs, in the same unit, from ``costs[0]`` to ``costs[-1]``.

    Returns:
        (M, K) shares; each row sums to 1.

    Raises:
        ValueError: Costs that do not rise, or a budget that no exit distribution has.
    """
    costs, budgets = np.asarray(costs, float), np.asarray(budgets, float)
    if (np.diff(costs) <= 0).any():
        raise ValueError(f'cumulative costs must rise from exit to exit, not {costs}')
    outside = budgets[(budgets < costs[0]) | (budgets > costs[-1])]
    if len(outside):
        raise ValueError(
            f'budget {outside[0]:g} lies outside what the exits cost, {costs[0]:g} to {costs[-1]:g}'
        )
    if len(costs) == 1:
        return np.ones((len(budgets), 1))
    low, high = np.full(len(budgets), -700.0), np.full(len(budgets), 700.0)  # log q
    for _ in range(200):
        middle = (low + high) / 2
        too_cheap = _shares_of(middle, len(costs)) @ costs < budgets
        low, high = np.where(too_cheap, middle, low), np.where(too_cheap, high, middle)
    shares = _shares_of((low + high) / 2, len(costs))
    shares[budgets == costs[0]] = np.eye(len(costs))[0]
    shares[budgets == costs[-1]] = np.eye(len(costs))[-1]
    return shares


def _shares_of(log_q: np.ndarray, exits: int) -> np.ndarray:
    """Softmax of k log q: the normalised powers of q, without overflow. (M,) -> (M, K)."""
    logits = log_q[:, None] * np.arange(exits)
    powers = np.exp(logits - logits.max(1, keepdims=True))
    return powers / powers.sum(1, keepdims=True)
