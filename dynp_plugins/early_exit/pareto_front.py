"""The best thresholds known for every accuracy, and fast ways to try many of them at once.

For `dynp_plugins.early_exit.pareto`. Accuracy and cost of all candidates are exact: they are sums
of integers over all samples, and no candidate is ever evaluated on its own.
"""

from collections.abc import Callable

import numpy as np

from .thresholds import ALWAYS, NEVER

COST_TOLERANCE = 1e-12
"""Relative rounding error that a mean cost may have above its limit."""


class RankTable:
    """A calibration table with ranks for confidences and integers for costs.

    A threshold is the index of a distinct confidence of its exit: samples of at least that rank
    leave; the index one past the last means that nobody does.

    Attributes:
        values: Per exit but the last, its distinct confidences, rising.
        rank: (K-1, N) index of each sample's confidence among them.
        order: (K-1, N) samples from the surest to the least sure.
        correct: (K, N) int8.
        cost: (K,) int64, costs in so small a unit that sums over samples are exact.
        scale: Number of those units in one unit of the costs given.
        nobody_leaves: (K-1,) the threshold indices that let nobody leave.
    """

    def __init__(self, confidence: np.ndarray, correct: np.ndarray, costs: np.ndarray) -> None:
        self.costs = costs
        columns = [np.unique(column, return_inverse=True) for column in confidence.T[:-1]]
        self.values = [values for values, _ in columns]
        self.rank = np.array([rank for _, rank in columns], np.int32)
        self.order = np.argsort(-self.rank, axis=1, kind='stable')
        self.correct = np.ascontiguousarray(correct.T).astype(np.int8)
        self.scale = 2.0 ** np.floor(61 - np.log2(len(confidence) * costs[-1]))
        self.cost = np.rint(costs * self.scale).astype(np.int64)
        self.nobody_leaves = np.array([len(values) for values in self.values], np.int32)

    def indices(self, thresholds: np.ndarray) -> np.ndarray:
        """(K,) thresholds as (K-1,) indices."""
        pairs = zip(self.values, thresholds[:-1], strict=True)
        return np.array([np.searchsorted(values, t) for values, t in pairs], np.int32)

    def confidences(self, indices: np.ndarray) -> np.ndarray:
        """(K-1,) indices as (K,) thresholds with the same exits; see `pareto_thresholds`."""
        thresholds = np.full(len(indices) + 1, NEVER)
        thresholds[-1] = ALWAYS
        reached = np.ones(self.rank.shape[1], bool)
        for k, index in enumerate(indices):
            leaving = reached & (self.rank[k] >= index)
            if leaving.any():
                reached &= ~leaving
                least = self.values[k][self.rank[k][leaving].min()]
                thresholds[k] = least if reached.any() else ALWAYS
        return thresholds

    def limit(self, budget: float) -> int:
        """Highest total cost within a budget; too high by rounding rather than too low."""
        samples = self.rank.shape[1]
        return int(budget * (1 + COST_TOLERANCE) * self.scale * samples) + samples


class Front:
    """For every number of right answers the cheapest candidate known; serves all cost limits."""

    def __init__(self, samples: int, thresholds: int) -> None:
        self.cost = np.full(samples + 1, np.iinfo(np.int64).max)
        self.thresholds = np.zeros((samples + 1, thresholds), np.int32)
        self.cost_of_at_least = self.cost.copy()

    def offer(
        self, right: np.ndarray, cost: np.ndarray, candidates: Callable[[np.ndarray], np.ndarray]
    ) -> None:
        """Keep what is cheaper than everything known to be as accurate.

        Args:
            right: (P,) right answers of each candidate.
            cost: (P,) total cost of each.
            candidates: Threshold indices (Q, K-1) of the (Q,) candidates asked for.
        """
        better = np.flatnonzero(cost < self.cost_of_at_least[right])
        if not len(better):
            return
        better = better[np.argsort(-cost[better], kind='stable')]
        cheapest = np.full(len(self.cost), -1)
        cheapest[right[better]] = better  # the last one written, the cheapest, stays
        improved = np.flatnonzero(cheapest >= 0)
        self.cost[improved] = cost[cheapest[improved]]
        self.thresholds[improved] = candidates(cheapest[improved])
        self.cost_of_at_least = np.minimum.accumulate(self.cost[::-1])[::-1]

    def best(self, limit: int) -> int:
        """The highest number of right answers known at a total cost of at most ``limit``."""
        return int(np.searchsorted(self.cost_of_at_least, limit, side='right')) - 1


def search_grid(table: RankTable, front: Front, values: list[np.ndarray]) -> None:
    """Offer all combinations of the given threshold indices of each exit, by counting.

    A sample is at position p of an exit if it leaves there for the first p values and stays for
    the others. How many stay at exits 0 to k, for all combinations at once, is then a cumulative
    sum over the histogram of positions; each of them costs the step to exit k + 1 and turns the
    answer of exit k into that of exit k + 1.
    """
    samples = np.arange(table.rank.shape[1])
    position = np.zeros(len(samples), np.int64)
    right = np.array(table.correct[0].sum(dtype=np.int64))
    cost = np.array(len(samples) * table.cost[0])
    shape = ()
    for k, at_exit in enumerate(values):
        here = np.searchsorted(at_exit, table.rank[k][samples], side='right')
        may_stay = here < len(at_exit)  # the others leave whatever the threshold
        samples = samples[may_stay]
        position = position[may_stay] * len(at_exit) + here[may_stay]
        shape = (*shape, len(at_exit))
        size = int(np.prod(shape))
        change = table.correct[k + 1][samples] - table.correct[k][samples]
        staying = np.bincount(position, minlength=size).reshape(shape)
        gained = np.bincount(position, change, minlength=size).astype(np.int64).reshape(shape)
        for axis in range(k + 1):
            np.cumsum(staying, axis, out=staying)
            np.cumsum(gained, axis, out=gained)
        right = right[..., None] + gained
        cost = cost[..., None] + staying * (table.cost[k + 1] - table.cost[k])

    def candidates(flat: np.ndarray) -> np.ndarray:
        places = np.unravel_index(flat, shape)
        return np.stack([v[place] for v, place in zip(values, places, strict=True)], axis=1)

    front.offer(right.ravel(), cost.ravel(), candidates)


def search_lines(table: RankTable, front: Front, candidate: np.ndarray) -> None:
    """Offer all values of each threshold of a candidate, the others as they are."""
    leaves = table.rank >= candidate[:, None]
    reached = np.ones_like(leaves)
    reached[1:] = ~np.logical_or.accumulate(leaves[:-1])
    exits = np.where(leaves.any(0), leaves.argmax(0), len(leaves))
    right = int(table.correct[exits, np.arange(len(exits))].sum(dtype=np.int64))
    cost = int(table.cost[exits].sum())
    # What becomes of a sample that stays at exit k, from the last exit backwards.
    right_after = table.correct[-1].copy()
    cost_after = np.full(len(exits), table.cost[-1])
    for k in reversed(range(len(candidate))):
        sure_first = table.order[k][reached[k][table.order[k]]]
        if len(sure_first):
            rank = table.rank[k][sure_first]
            gained = _cumulative(table.correct[k][sure_first] - right_after[sure_first])
            spent = _cumulative(table.cost[k] - cost_after[sure_first])
            now = np.count_nonzero(rank >= candidate[k])
            counts = np.flatnonzero(np.diff(rank, prepend=-1, append=-1))  # equal ones together
            index = np.concatenate([table.nobody_leaves[k : k + 1], rank[counts[1:] - 1]])

            def candidates(chosen: np.ndarray, k: int = k, index: np.ndarray = index):
                rows = np.tile(candidate, (len(chosen), 1))
                rows[:, k] = index[chosen]
                return rows

            front.offer(
                right + (gained - gained[now])[counts],
                cost + (spent - spent[now])[counts],
                candidates,
            )
        right_after = np.where(leaves[k], table.correct[k], right_after)
        cost_after = np.where(leaves[k], table.cost[k], cost_after)


def _cumulative(values: np.ndarray) -> np.ndarray:
    """Sums of the first 0, 1, ... n values."""
    return np.concatenate([[0], np.cumsum(values, dtype=np.int64)])
