"""How sure a mean class accuracy is: its bootstrap."""

import numpy as np

from dynp_plugins.early_exit.class_means import by_class

from .bootstrap import DRAWS, resampling_counts


def bootstrap_class_means(
    values: np.ndarray, labels: np.ndarray, draws: int = DRAWS, seed: int = 0
) -> np.ndarray:
    """`class_means` in each bootstrap draw of the samples.

    A draw may miss a class altogether; that class does not count in it.

    Args:
        values: (N, M).
        labels: (N,) int.
        draws: R.
        seed: See `resampling_counts`; the draws are those of `bootstrap_means`.

    Returns:
        (R, M) float64.

    Raises:
        ValueError: No sample, or shapes that do not fit.
        UserError: No draw.
    """
    values, order, starts = by_class(values, labels)
    means = []
    for counts in resampling_counts(len(order), draws, seed):
        counts = counts[:, order]
        sizes = np.add.reduceat(counts, starts, axis=1)  # (R, classes)
        drawn = sizes > 0
        means.append(
            [
                np.divide(
                    np.add.reduceat(counts * column, starts, axis=1),
                    sizes,
                    out=np.zeros_like(sizes),
                    where=drawn,
                ).sum(1)
                / drawn.sum(1)
                for column in values.T
            ]
        )
    return np.concatenate(means, axis=1).T
