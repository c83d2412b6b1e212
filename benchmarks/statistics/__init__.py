"""Statistics of exits and curves: intervals, calibration, comparisons. Plain arrays in and out."""

from .bootstrap import (
    basic_interval,
    bootstrap_means,
    percentile_interval,
    resampling_counts,
    subset_means,
)
from .calibration import ReliabilityBins, expected_calibration_error, reliability_bins
from .class_means import bootstrap_class_means
from .envelope import (
    Curve,
    accuracy_at_cost,
    common_accuracy,
    common_cost,
    cost_at_accuracy,
    upper_envelope,
)
from .equal_accuracy import AccuracyDifference, CostRatio, accuracy_difference, cost_ratio
from .exits import (
    Monotonicity,
    Oracle,
    accuracy_of_leavers,
    leavers,
    monotonicity_violations,
    oracle,
    overthinking,
    random_exit_accuracy,
)

__all__ = [
    'AccuracyDifference',
    'CostRatio',
    'Curve',
    'Monotonicity',
    'Oracle',
    'ReliabilityBins',
    'accuracy_at_cost',
    'accuracy_difference',
    'accuracy_of_leavers',
    'basic_interval',
    'bootstrap_class_means',
    'bootstrap_means',
    'common_accuracy',
    'common_cost',
    'cost_at_accuracy',
    'cost_ratio',
    'expected_calibration_error',
    'leavers',
    'monotonicity_violations',
    'oracle',
    'overthinking',
    'percentile_interval',
    'random_exit_accuracy',
    'reliability_bins',
    'resampling_counts',
    'subset_means',
    'upper_envelope',
]
