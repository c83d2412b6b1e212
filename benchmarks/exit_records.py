"""What each exit is worth by itself, and what the exits have in common, on the test split."""

from collections.abc import Sequence

import numpy as np

from dynp_plugins.early_exit import ExitTable, class_means

from .curve_records import ExitRecord, ExitStatistics, ReliabilityBin
from .interval import Interval
from .statistics import (
    bootstrap_class_means,
    bootstrap_means,
    expected_calibration_error,
    monotonicity_violations,
    oracle,
    overthinking,
    percentile_interval,
    reliability_bins,
)


def exit_records(
    calibration: ExitTable, test: ExitTable, gmacs: Sequence[float]
) -> list[ExitRecord]:
    """One record per exit, when every sample leaves there.

    Args:
        calibration: The exit table of the calibration split; only its accuracy is told.
        test: That of the test split.
        gmacs: Cumulative cost of the exits.
    """
    names, exits = test.manifest['exit_names'], range(len(gmacs))
    low, high = percentile_interval(bootstrap_means(100 * test.correct))
    class_mean = class_means(100 * test.correct, test.label)
    class_low, class_high = percentile_interval(
        bootstrap_class_means(100 * test.correct, test.label)
    )
    # Of five classes, everybody is among the five likeliest.
    top5 = test.topk_percent(5) if test.manifest['classes'] > 5 else [None] * len(gmacs)
    changes = monotonicity_violations(test.correct)
    bins = [
        reliability_bins(test.confidence('max_softmax')[:, k], test.correct[:, k]) for k in exits
    ]
    return [
        ExitRecord(
            name=names[k],
            gmacs=float(gmacs[k]),
            gflops=2 * float(gmacs[k]),
            calibration_top1_percent=float(calibration.topk_percent(1)[k]),
            test_top1_percent=float(test.topk_percent(1)[k]),
            test_top1_interval=Interval(float(low[k]), float(high[k])),
            test_top5_percent=None if top5[k] is None else float(top5[k]),
            mean_class_percent=float(class_mean[k]),
            mean_class_interval=Interval(float(class_low[k]), float(class_high[k])),
            nll=float(test.nll[:, k].mean(dtype=float)),
            brier=float(test.brier[:, k].mean(dtype=float)),
            ece_percent=100 * expected_calibration_error(bins[k]),
            reliability=[
                ReliabilityBin(
                    low=float(bins[k].edges[b]),
                    high=float(bins[k].edges[b + 1]),
                    samples=int(samples),
                    confidence_mean=float(bins[k].confidence[b]) if samples else None,
                    top1_percent=100 * float(bins[k].accuracy[b]) if samples else None,
                )
                for b, samples in enumerate(bins[k].samples)
            ],
            right_to_wrong_percent=100 * float(changes.right_to_wrong[k - 1]) if k else None,
            wrong_to_right_percent=100 * float(changes.wrong_to_right[k - 1]) if k else None,
        )
        for k in exits
    ]


def exit_statistics(test: ExitTable, gmacs: Sequence[float]) -> ExitStatistics:
    """Oracle, overthinking, and exits that are a step back."""
    best = oracle(test.correct, np.asarray(gmacs))
    worse = monotonicity_violations(test.correct).worse_than_earlier
    return ExitStatistics(
        oracle_top1_percent=100 * best.accuracy,
        oracle_gmacs_mean=best.mean_cost,
        overthinking_percent=100 * overthinking(test.correct),
        worse_than_earlier=[
            name
            for name, is_worse in zip(test.manifest['exit_names'], worse, strict=True)
            if is_worse
        ],
    )
