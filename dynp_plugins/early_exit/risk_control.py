"""The cheapest thresholds whose accuracy loss against the full network is bounded, with confidence.

Learn-then-Test (arXiv 2110.01052) with fixed-sequence testing. One half of the calibration
samples (the design half) proposes a path of thresholds from safe to cheap. The other half (the
test half), which played no part in that, tests them one after the other for the hypothesis that
they lose more than epsilon; the walk stops at the first that cannot be rejected at level delta,
and the last one that could is kept. Because the sequence was fixed before the test half was
looked at, the probability that any hypothesis was rejected wrongly is at most delta.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from ..errors import UserError
from .pareto import pareto_thresholds
from .thresholds import (
    check_budgets,
    check_table,
    choose_exits,
    full_network,
    quota_thresholds,
)

PATH_BUDGETS = 64
"""Number of cost limits, evenly spaced from the full network down, that the path goes through."""

FIRST_STEPS = 8
"""In so many steps the path goes from the full network to the first thresholds worth their cost."""


@dataclass(frozen=True, eq=False)
class RiskStep:
    """Thresholds that were tested, and what the test half said.

    Attributes:
        thresholds: (K,).
        design_cost: Mean cost on the design half; it falls from step to step.
        test_cost: Mean cost on the test half.
        losses: Samples of the test half with a loss.
        loss: Their fraction, the empirical risk.
        p_value: How likely so few losses are if the risk is above epsilon, at most.
    """

    thresholds: np.ndarray
    design_cost: float
    test_cost: float
    losses: int
    loss: float
    p_value: float


@dataclass(frozen=True, eq=False)
class RiskControl:
    """Thresholds with a bound on their risk, and how they were found.

    The loss of a sample is 1 where the full network (the last exit) is right and the answer it
    gets is wrong, else 0. The mean loss, called risk, bounds the loss of accuracy from above: the
    samples that only an early exit gets right make up for some of it. With probability at least
    1 - delta over the draw of the calibration samples, the risk of ``thresholds`` is at most
    epsilon, for samples drawn as those were and independently; frames of one video are not.

    Attributes:
        thresholds: (K,) of the last step that passed; the full network's if none did.
        steps: The steps tested, from safe to cheap; the last one failed if it is one more than
            passed.
        passed: How many of them passed.
        path_length: How many there were to test.
        n_design: Samples that proposed the path.
        n_test: Samples that tested it.
        epsilon: The risk allowed.
        delta: The probability of exceeding it.
        p_value: Name of the kind of p-value.
        seed: Of the split into halves.
    """

    thresholds: np.ndarray
    steps: tuple[RiskStep, ...]
    passed: int
    path_length: int
    n_design: int
    n_test: int
    epsilon: float
    delta: float
    p_value: str
    seed: int


def binomial_p_value(total_loss: float, samples: int, epsilon: float) -> float:
    """P(Bin(n, epsilon) <= losses): exact for losses that are 0 or 1.

    Args:
        total_loss: Number of samples with a loss.
        samples: Number of samples, n.
        epsilon: The risk of the hypothesis to reject.
    """
    return _binomial_cdf(total_loss, samples, epsilon)


def hoeffding_bentkus_p_value(total_loss: float, samples: int, epsilon: float) -> float:
    """The smaller of Hoeffding's and Bentkus' bounds, for any losses between 0 and 1.

    Source: the Hoeffding-Bentkus inequality p-value of arXiv 2110.01052.

    Args:
        total_loss: Sum of the losses.
        samples: Number of samples, n.
        epsilon: The risk of the hypothesis to reject.
    """
    from scipy.special import rel_entr  # who only follows policies need not have it

    risk = min(total_loss / samples, epsilon)
    hoeffding = np.exp(-samples * (rel_entr(risk, epsilon) + rel_entr(1 - risk, 1 - epsilon)))
    bentkus = np.e * _binomial_cdf(np.ceil(total_loss), samples, epsilon)
    return float(min(hoeffding, bentkus))


def _binomial_cdf(count: float, samples: int, probability: float) -> float:
    # Here, because it takes half a second to import and few of the package's users come here.
    from scipy.stats import binom

    return float(binom.cdf(count, samples, probability))


P_VALUES: dict[str, Callable[[float, int, float], float]] = {
    'binomial': binomial_p_value,
    'hoeffding_bentkus': hoeffding_bentkus_p_value,
}
"""Kinds of p-values: of a total loss, a number of samples and epsilon."""


def risk_controlled_thresholds(
    confidence: np.ndarray,
    correct: np.ndarray,
    costs: np.ndarray,
    epsilon: float,
    delta: float,
    p_value: str = 'binomial',
    seed: int = 0,
) -> RiskControl:
    """The cheapest thresholds shown to lose at most ``epsilon`` with confidence 1 - ``delta``.

    Args:
        confidence: (N, K), on the calibration split.
        correct: (N, K) bool, whether each exit's answer is right.
        costs: (K,) cumulative cost of the exits, rising.
        epsilon: The risk allowed, a fraction of all samples; see `RiskControl` for the loss.
        delta: The probability, over the draw of the calibration samples, of exceeding it.
        p_value: One of `P_VALUES`.
        seed: Of the permutation that splits the samples into halves.

    Returns:
        The thresholds, those of the full network (nobody leaves early) where not even the first
        step of the path passes, and the steps tested.

    Raises:
        ValueError: Epsilon or delta not between 0 and 1, an unknown kind of p-value, fewer
            samples than a test without any loss needs to pass, or a table that
            `pareto_thresholds` refuses.
    """
    confidence = np.asarray(confidence)
    correct = check_table(confidence, correct, costs)
    costs, _ = check_budgets(costs, costs[-1:])
    for name, value in {'epsilon': epsilon, 'delta': delta}.items():
        if not 0 < value < 1:
            raise UserError(f'{name} must lie between 0 and 1 (both excluded), not {value}')
    if p_value not in P_VALUES:
        raise UserError(f'no p-value is called {p_value!r}: choose one of {", ".join(P_VALUES)}')
    _check_enough_samples(len(confidence), epsilon, delta)
    # Where nothing is lost, an answer is as good as the full network's.
    lossless = correct | ~correct[:, -1:]
    permutation = np.random.default_rng(seed).permutation(len(confidence))
    design, test = np.split(permutation, [len(confidence) // 2])
    path = safe_to_cheap_path(confidence[design], lossless[design], costs)
    kept, steps, passed = full_network(len(costs)), [], 0
    for thresholds, design_cost in path:
        exits = choose_exits(confidence[test], thresholds)
        losses = int(np.count_nonzero(~lossless[test, exits]))
        p = P_VALUES[p_value](losses, len(test), epsilon)
        steps.append(
            RiskStep(
                thresholds=thresholds,
                design_cost=design_cost,
                test_cost=float(costs[exits].mean()),
                losses=losses,
                loss=losses / len(test),
                p_value=p,
            )
        )
        if p > delta:
            break
        kept, passed = thresholds, passed + 1
    return RiskControl(
        thresholds=kept,
        steps=tuple(steps),
        passed=passed,
        path_length=len(path),
        n_design=len(design),
        n_test=len(test),
        epsilon=epsilon,
        delta=delta,
        p_value=p_value,
        seed=seed,
    )


def safe_to_cheap_path(
    confidence: np.ndarray, lossless: np.ndarray, costs: np.ndarray
) -> list[tuple[np.ndarray, float]]:
    """Thresholds and their mean costs on the design half, from just below the full network down.

    Thresholds that lose least for their cost, by Pareto search. The first of them may already
    save much, as many lose nothing on a small design half; before it come thresholds that let
    growing parts of its early leavers go, so that a test which it fails still finds savings.

    Args:
        confidence: (N, K), on the design half.
        lossless: (N, K) bool, whether each exit's answer is as good as the last one's.
        costs: (K,) cumulative cost of the exits, rising.

    Returns:
        (K,) thresholds with their mean cost, which falls strictly.
    """
    budgets = np.linspace(costs[-1], costs[0], PATH_BUDGETS + 1)
    best = pareto_thresholds(confidence, lossless, costs, budgets)
    first_shares = np.bincount(choose_exits(confidence, best[0]), minlength=len(costs))
    nobody = np.eye(len(costs))[-1]
    towards_first = first_shares / len(confidence) - nobody
    parts = np.arange(1, FIRST_STEPS) / FIRST_STEPS
    path, cost = [], costs[-1]
    for thresholds in [
        *(quota_thresholds(confidence, nobody + part * towards_first) for part in parts),
        *best,
    ]:
        mean = float(costs[choose_exits(confidence, thresholds)].mean())
        if mean < cost * (1 - 1e-12):
            path.append((thresholds, mean))
            cost = mean
    return path


def _check_enough_samples(samples: int, epsilon: float, delta: float) -> None:
    """Refuse so few samples that not even a test half without any loss rejects.

    Both p-values of no loss are (1 - epsilon)^n.
    """
    needed = max(1, int(np.ceil(np.log(delta) / np.log1p(-epsilon) * (1 - 1e-12))))
    if samples < max(2, 2 * needed - 1):
        raise UserError(
            f'epsilon {epsilon:g} and delta {delta:g} need at least {max(2, 2 * needed - 1)} '
            f'calibration samples (a test half of {needed}), not {samples}: use more samples, or '
            'a larger epsilon or delta'
        )
