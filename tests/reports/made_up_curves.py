"""Exits and budgets that look like measured ones: simulated confidences, real protocol."""

from functools import lru_cache

import numpy as np

from benchmarks.curve_records import CurvePoint, ExitRecord, ExitStatistics, ReliabilityBin
from benchmarks.interval import Interval
from benchmarks.statistics import (
    accuracy_of_leavers,
    bootstrap_means,
    expected_calibration_error,
    monotonicity_violations,
    oracle,
    overthinking,
    percentile_interval,
    random_exit_accuracy,
    reliability_bins,
)
from dynp_plugins.early_exit.thresholds import (
    NEVER,
    choose_exits,
    geometric_shares,
    quota_thresholds,
)

CLASSES = 10
DRAWS = 200


class SimulatedSplit:
    """What a network with the given exits would say about a split.

    Attributes:
        exits: Name to GMACs.
        confidence: (N, K).
        correct: (N, K).
    """

    def __init__(self, split, count, exits, skills, seed):
        """``skills``: how much harder than chance a picture may be for each exit to know it.

        The pictures depend on ``split`` alone: every network sees the same.
        """
        pictures = np.random.default_rng(list(split.encode()))
        difficulty, luck = pictures.normal(0, 1.6, (count, 1)), pictures.random((count, 1))
        random = np.random.default_rng([seed, count])
        logit = 2 * (np.array(skills) - difficulty) + random.normal(0, 0.7, (count, len(skills)))
        self.exits = exits
        self.costs = np.array(list(exits.values()))
        self.correct = luck < 0.1 + 0.9 / (1 + np.exp(-logit))
        self.confidence = 0.1 + 0.9 / (1 + np.exp(-logit - random.normal(0, 0.5, logit.shape)))

    def __len__(self):
        return len(self.correct)

    def right(self, leaves):
        """(N,) whether the exit that each picture leaves at knows it."""
        return self.correct[np.arange(len(self)), leaves]


@lru_cache(maxsize=64)
def simulated_parts(names, gmacs, skills, seed):
    """(exits, statistics, points) of a model; callers must not change them.

    Args:
        names: Of the exits, a tuple; ``gmacs`` and ``skills`` likewise.
        seed: Of the network; all see the same pictures.
    """
    exits = dict(zip(names, gmacs, strict=True))
    calibration = SimulatedSplit('calibration', 600, exits, skills, seed)
    test = SimulatedSplit('test', 1000, exits, skills, seed)
    costs = np.array(gmacs)
    targets = np.linspace(costs[0], costs[-1], 33 if len(exits) > 1 else 1)
    points = [
        curve_point(target, quota_thresholds(calibration.confidence, shares), calibration, test)
        for target, shares in zip(targets, geometric_shares(costs, targets), strict=True)
    ]
    return exit_records(calibration, test), exit_statistics(test), points


def exit_records(calibration, test):
    """An `ExitRecord` for every exit."""
    low, high = percentile_interval(100 * bootstrap_means(test.correct, DRAWS))
    flow = monotonicity_violations(test.correct)
    others = (1 - test.confidence) / (CLASSES - 1)  # the probability of every class but the first
    of_right = np.where(test.correct, test.confidence, others)
    square = test.confidence**2 + (CLASSES - 1) * others**2
    brier = square - 2 * of_right + 1
    records = []
    for k, (name, gmacs) in enumerate(test.exits.items()):
        bins = reliability_bins(test.confidence[:, k], test.correct[:, k])
        top1 = 100 * float(test.correct[:, k].mean())
        records.append(
            ExitRecord(
                name=name,
                gmacs=gmacs,
                gflops=2 * gmacs,
                calibration_top1_percent=100 * float(calibration.correct[:, k].mean()),
                test_top1_percent=top1,
                test_top1_interval=Interval(float(low[k]), float(high[k])),
                test_top5_percent=100 - 0.2 * (100 - top1),
                mean_class_percent=top1 - 1.37,
                mean_class_interval=Interval(float(low[k]) - 1.37, float(high[k]) - 1.37),
                nll=float(-np.log(of_right[:, k]).mean()),
                brier=float(brier[:, k].mean()),
                ece_percent=100 * expected_calibration_error(bins),
                reliability=_bin_records(bins),
                right_to_wrong_percent=100 * float(flow.right_to_wrong[k - 1]) if k else None,
                wrong_to_right_percent=100 * float(flow.wrong_to_right[k - 1]) if k else None,
            )
        )
    return records


def exit_statistics(test):
    """What the exits have in common."""
    best, worse = oracle(test.correct, test.costs), monotonicity_violations(test.correct)
    return ExitStatistics(
        oracle_top1_percent=100 * best.accuracy,
        oracle_gmacs_mean=best.mean_cost,
        overthinking_percent=100 * overthinking(test.correct),
        worse_than_earlier=[
            name
            for name, is_worse in zip(test.exits, worse.worse_than_earlier, strict=True)
            if is_worse
        ],
    )


def curve_point(target, thresholds, calibration, test):
    """Apply thresholds (K,) to both splits, as a measured curve does."""
    chosen_on, leaves = (
        choose_exits(split.confidence, thresholds) for split in (calibration, test)
    )
    columns = np.stack([test.costs[leaves], 100 * test.right(leaves)], 1)
    low, high = percentile_interval(bootstrap_means(columns, DRAWS))
    shares = np.bincount(leaves, minlength=len(test.exits)) / len(test)
    by_exit = 100 * accuracy_of_leavers(test.correct, leaves)
    return CurvePoint(
        target_gmacs=float(target),
        calibration_gmacs_mean=float(test.costs[chosen_on].mean()),
        calibration_top1_percent=100 * float(calibration.right(chosen_on).mean()),
        gmacs_mean=float(columns[:, 0].mean()),
        gmacs_interval=Interval(float(low[0]), float(high[0])),
        top1_percent=float(columns[:, 1].mean()),
        top1_interval=Interval(float(low[1]), float(high[1])),
        random_top1_percent=100 * float(random_exit_accuracy(shares, test.correct.mean(0))),
        exit_shares=dict(zip(test.exits, map(float, shares), strict=True)),
        exit_top1_percent={
            name: None if np.isnan(value) else float(value)
            for name, value in zip(test.exits, by_exit, strict=True)
        },
        thresholds={
            name: None if value == NEVER else max(float(value), 0.0)
            for name, value in list(zip(test.exits, thresholds, strict=True))[:-1]
        },
    )


def plain_exit(name, gmacs, top1=50.0, margin=1.0):
    """An exit of which nothing but cost and accuracy matters."""
    return ExitRecord(
        name=name,
        gmacs=gmacs,
        gflops=2 * gmacs,
        calibration_top1_percent=top1,
        test_top1_percent=top1,
        test_top1_interval=Interval(top1 - margin, top1 + margin),
        test_top5_percent=None,
        mean_class_percent=top1,
        mean_class_interval=Interval(top1 - margin, top1 + margin),
        nll=1.0,
        brier=0.5,
        ece_percent=2.0,
        reliability=[],
        right_to_wrong_percent=None,
        wrong_to_right_percent=None,
    )


def plain_point(gmacs, top1, exits, margin=1.0):
    """A budget of which nothing but cost and accuracy matters; as many leave at every exit."""
    return CurvePoint(
        target_gmacs=gmacs,
        calibration_gmacs_mean=gmacs,
        calibration_top1_percent=top1,
        gmacs_mean=gmacs,
        gmacs_interval=Interval(0.98 * gmacs, 1.02 * gmacs),
        top1_percent=top1,
        top1_interval=Interval(top1 - margin, top1 + margin),
        random_top1_percent=top1,
        exit_shares=dict.fromkeys(exits, 1 / len(exits)),
        exit_top1_percent=dict.fromkeys(exits, top1),
        thresholds=dict.fromkeys(exits[:-1], 0.5),
    )


def _bin_records(bins):
    values = zip(
        bins.edges[:-1], bins.edges[1:], bins.samples, bins.confidence, bins.accuracy, strict=True
    )
    return [
        ReliabilityBin(
            low=float(low),
            high=float(high),
            samples=int(samples),
            confidence_mean=float(confidence) if samples else None,
            top1_percent=100 * float(accuracy) if samples else None,
        )
        for low, high, samples, confidence, accuracy in values
    ]
