"""Thresholds that maximise calibration accuracy under a limit on the mean cost.

Exact where the combinations of thresholds can be counted through, a local search otherwise:

1. The thresholds of the geometric sweep are the first candidates.
2. From every candidate that serves a cost limit (the best known under it), *line searches* try
   all values of one threshold, the others fixed, and a *grid search* tries combinations of
   thresholds around it, with steps of a quarter of the samples at first and of single ones last.
3. Whatever is tried anywhere is kept if it is the cheapest known for its accuracy, so every
   search serves all limits, and a limit never gets less than any tried candidate that meets it.

Accuracy and cost of every candidate are exact counts over all samples; nothing is subsampled.
"""

from collections.abc import Iterable

import numpy as np

from .pareto_front import COST_TOLERANCE, Front, RankTable, search_grid, search_lines
from .thresholds import (
    ALWAYS,
    check_budgets,
    check_table,
    choose_exits,
    geometric_shares,
    quota_thresholds,
)

EXACT_COMBINATIONS = 2**21
"""Up to so many combinations of thresholds are all counted, in about 110 MB of memory."""

GRID_COMBINATIONS = 2**14
"""About as many are tried by one grid search: the more exits, the fewer values for each."""

GRID_STEPS = tuple(2.0**-i for i in range(2, 12))
"""Half widths of successive grid searches, as fractions of the samples."""

SEARCH_LIMITS = 33
"""The search improves candidates for so many evenly spaced limits beside the budgets asked for."""


def pareto_thresholds(
    confidence: np.ndarray,
    correct: np.ndarray,
    costs: np.ndarray,
    budgets: np.ndarray,
    exact_combinations: int = EXACT_COMBINATIONS,
) -> np.ndarray:
    """Thresholds of the highest calibration accuracy whose mean cost is within each budget.

    Among equal accuracies the cheaper one is taken. Two exits, and any number of exits with at
    most ``exact_combinations`` combinations of thresholds (each distinct confidence of an exit,
    or nobody leaving), are solved exactly; see the module for the rest, which is never worse
    than the thresholds of the geometric sweep for one of the budgets, whatever they cost.

    The thresholds are written as `quota_thresholds` would: an exit that no calibration sample
    leaves at is `NEVER`, one where all that get there leave is `ALWAYS`, and any other threshold
    is the least confidence among those that leave.

    Args:
        confidence: (N, K), on the calibration split.
        correct: (N, K) bool, whether each exit's answer is right.
        costs: (K,) cumulative cost of the exits, rising.
        budgets: (M,) highest mean costs, in the same unit, from ``costs[0]`` to ``costs[-1]``.
        exact_combinations: Where exact solution ends and search begins, for three exits or more.

    Returns:
        (M, K) thresholds; the last column is `ALWAYS`.

    Raises:
        ValueError: See `geometric_shares` for costs and budgets and `quota_thresholds` for
            confidences; or shapes that differ.
    """
    confidence = np.asarray(confidence)
    correct = check_table(confidence, correct, costs)
    costs, budgets = check_budgets(costs, budgets)
    if len(costs) == 1:
        return np.full((len(budgets), 1), ALWAYS)
    table = RankTable(confidence, correct, costs)
    front = Front(len(confidence), len(costs) - 1)
    if len(costs) == 2:
        search_lines(table, front, table.nobody_leaves)
    elif np.prod(table.nobody_leaves + 1.0) <= exact_combinations:
        search_grid(table, front, [np.arange(last + 1) for last in table.nobody_leaves])
    else:
        _search(table, front, confidence, budgets)
    return np.array([_best_within(table, front, confidence, budget) for budget in budgets])


def _best_within(
    table: RankTable, front: Front, confidence: np.ndarray, budget: float
) -> np.ndarray:
    """(K,) the front's best thresholds whose mean cost, in floating point, is within a budget."""
    limit = table.limit(budget)
    while True:
        right = front.best(limit)
        thresholds = table.confidences(front.thresholds[right])
        shares = np.bincount(choose_exits(confidence, thresholds), minlength=len(table.costs))
        # The first exit for all is within any budget, so the loop ends.
        if shares @ table.costs / len(confidence) <= budget * (1 + COST_TOLERANCE):
            return thresholds
        limit = int(front.cost[right]) - 1


def _search(table: RankTable, front: Front, confidence: np.ndarray, budgets: np.ndarray) -> None:
    """Fill the front by line and grid searches; see the module."""
    costs = table.costs
    targets = np.union1d(budgets, np.linspace(costs[0], costs[-1], SEARCH_LIMITS))
    limits = [table.limit(target) for target in targets]
    lines_done, grids_done = set(), set()

    def search_new_lines(candidates: Iterable[np.ndarray]) -> bool:
        before = len(lines_done)
        for candidate in candidates:
            if candidate.tobytes() not in lines_done:
                lines_done.add(candidate.tobytes())
                search_lines(table, front, candidate)
        return len(lines_done) > before

    def serving() -> np.ndarray:
        return front.thresholds[sorted({front.best(limit) for limit in limits})]

    shares = geometric_shares(costs, targets)
    search_new_lines([table.indices(quota_thresholds(confidence, row)) for row in shares])
    for half_width in GRID_STEPS:
        for _ in range(2):  # once more from what the first time found
            for candidate in serving():
                if (candidate.tobytes(), half_width) not in grids_done:
                    grids_done.add((candidate.tobytes(), half_width))
                    search_grid(table, front, _values_around(table, candidate, half_width))
            search_new_lines(serving())
    while search_new_lines(serving()):
        pass


def _values_around(table: RankTable, candidate: np.ndarray, half_width: float) -> list[np.ndarray]:
    """Per exit, threshold indices around a candidate's, in equal steps of samples that get there.

    With so many exits that three values for each were too many, only the thresholds of those
    exits where most samples leave are varied.
    """
    exits, samples = table.rank.shape
    varied = min(exits, int(np.log(GRID_COMBINATIONS + 1) / np.log(3)))
    side = max(1, (int(GRID_COMBINATIONS ** (1 / varied)) - 1) // 2)
    offsets = np.arange(-side, side + 1) * max(1, int(half_width / side * samples))
    reached = np.ones(samples, bool)
    values, leaving = [], []
    for k, index in enumerate(candidate):
        sure_first = table.order[k][reached[table.order[k]]]
        leaves = table.rank[k] >= index
        leaving.append(int(leaves[sure_first].sum()))
        counts = offsets + leaving[k]
        counts = counts[(counts >= 0) & (counts <= len(sure_first))]
        least_sure = table.rank[k][sure_first[counts[counts > 0] - 1]]
        nobody = [table.nobody_leaves[k]] * int((counts == 0).any())
        values.append(np.unique(np.concatenate([[index], least_sure, nobody]).astype(np.int32)))
        reached &= ~leaves
    for k in np.argsort(leaving, kind='stable')[: exits - varied]:
        values[k] = candidate[k : k + 1]
    return values
