"""Means in which every class has the same weight, such as the mean class accuracy.

Where some classes are rare, the accuracy over all samples says little of them; this one does.
"""

import numpy as np


def class_means(values: np.ndarray, labels: np.ndarray) -> np.ndarray:
    """The mean over the classes of the mean over each class's samples.

    With ``values`` = right or wrong that is the mean class accuracy. Classes without a sample do
    not count. (mmaction2's ``mean1`` is the same wherever every class that is predicted also has a
    sample; one that has none counts there as a class that is never right.)

    Args:
        values: (N, M), one row per sample.
        labels: (N,) int, the class of each sample.

    Returns:
        (M,) float64, in the unit of ``values``.

    Raises:
        ValueError: No sample, or shapes that do not fit.
    """
    values, order, starts = by_class(values, labels)
    sizes = np.diff(starts, append=len(order))
    return (np.add.reduceat(values, starts, axis=0) / sizes[:, None]).mean(0)


def by_class(values: np.ndarray, labels: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """The rows of ``values`` class by class, their order, and where each class begins."""
    values, labels = np.asarray(values, np.float64), np.asarray(labels)
    if values.ndim != 2 or labels.shape != values.shape[:1] or not len(labels):
        raise ValueError(
            f'values {values.shape} and labels {labels.shape} must be (samples, columns) and '
            '(samples,), of at least one sample'
        )
    order = np.argsort(labels, kind='stable')
    starts = np.flatnonzero(np.diff(labels[order], prepend=labels[order[0]] - 1))
    return values[order], order, starts
