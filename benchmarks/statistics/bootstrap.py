"""The bootstrap over test samples: resampled means and their percentile intervals.

Source: Efron and Tibshirani, An Introduction to the Bootstrap, 1993, chapters 6 and 13.

A draw takes N of the N samples with replacement. It is stored as how often each sample was taken,
so that the means of any number of columns over all draws are one matrix product. The draws depend
on N and the seed alone: two models measured on the same samples in the same order meet the same
draws, and the difference of their draws is a *paired* comparison.
"""

from collections.abc import Iterator

import numpy as np

from dynp_plugins.errors import UserError

DRAWS = 1000
"""Default number of draws; enough for the ends of a 95 % interval."""

_CHUNK_NUMBERS = 2**22
"""At most so many counts are held at a time (32 MiB), however many samples and draws there are."""


def resampling_counts(samples: int, draws: int = DRAWS, seed: int = 0) -> Iterator[np.ndarray]:
    """How often each sample is taken, chunk by chunk of draws.

    Args:
        samples: N.
        draws: Total number of draws over all chunks.
        seed: Of the generator; draw r is the same for every number of draws above r.

    Yields:
        (draws in this chunk, N) float64 whole numbers; each row sums to N.

    Raises:
        UserError: No sample or no draw was asked for.
    """
    if samples < 1 or draws < 1:
        raise UserError(
            f'{draws} bootstrap draws of {samples} samples: both numbers must be at least 1'
        )
    generator = np.random.default_rng(seed)
    rows = max(1, _CHUNK_NUMBERS // samples)
    for start in range(0, draws, rows):
        counts = np.empty((min(rows, draws - start), samples))
        for row in counts:
            row[:] = np.bincount(generator.integers(samples, size=samples), minlength=samples)
        yield counts


def bootstrap_means(values: np.ndarray, draws: int = DRAWS, seed: int = 0) -> np.ndarray:
    """The mean of each column in each draw.

    Accuracy and mean cost of all points of a curve are columns of one call: right or wrong (as 1 or
    0) and the cost of the exit each sample left at.

    Args:
        values: (N, M), one row per sample, any real type or bool.
        draws: R.
        seed: See `resampling_counts`.

    Returns:
        (R, M) float64, in the unit of ``values``.

    Raises:
        ValueError: ``values`` is no table, or a value is NaN or infinite.
        UserError: No sample or no draw.
    """
    values = _finite_table(values)
    return np.concatenate(
        [counts @ values / len(values) for counts in resampling_counts(len(values), draws, seed)]
    )


def subset_means(values: np.ndarray, members: np.ndarray) -> np.ndarray:
    """The mean of each column over its members alone; NaN where there are none.

    With ``values`` = right or wrong and ``members`` = left at this exit, that is the accuracy among
    those who left there.

    Args:
        values: (N, M); what it says of samples that are no members is not looked at.
        members: (N, M) bool.

    Returns:
        (M,) float64.

    Raises:
        ValueError: The shapes differ, or a member's value is NaN or infinite.
    """
    sums, sizes = np.split(_finite_table(_values_and_members(values, members)).sum(0), 2)
    return _ratio(sums, sizes)


def percentile_interval(draws: np.ndarray, level: float = 0.95) -> tuple[np.ndarray, np.ndarray]:
    """The interval that leaves out (1 - level)/2 of the draws at each end.

    A draw that is NaN (undefined there) might lie anywhere. It is therefore counted as the lowest
    for the lower end and as the highest for the upper end, and there is no interval where such
    draws fill a whole tail.

    The interval of something that never varies has no width: 100 % of few samples looks certain.

    Args:
        draws: (R, ...).
        level: The share of the draws between the ends, between 0 and 1.

    Returns:
        (low, high), each of shape (...), float64; both NaN where there is no interval.

    Raises:
        UserError: A level that is no share, or no draw.
    """
    if not 0 < level < 1:
        raise UserError(
            f'a {level:g} interval is none: the level lies between 0 and 1, such as 0.95'
        )
    draws = np.asarray(draws, np.float64)
    if not draws.size or not draws.ndim:
        raise UserError('an interval needs at least one bootstrap draw')
    tail, undefined = (1 - level) / 2, np.isnan(draws)
    with np.errstate(invalid='ignore'):  # between an infinite and a finite draw lies NaN
        low = np.quantile(np.where(undefined, -np.inf, draws), tail, axis=0)
        high = np.quantile(np.where(undefined, np.inf, draws), 1 - tail, axis=0)
    exists = np.isfinite(low) & np.isfinite(high)
    return np.where(exists, low, np.nan)[()], np.where(exists, high, np.nan)[()]


def basic_interval(
    estimate: float, draws: np.ndarray, level: float = 0.95
) -> tuple[np.ndarray, np.ndarray]:
    """The draws' percentile interval, mirrored at the estimate ("basic" or "pivotal" interval).

    As far as the draws lie above the estimate, the estimate itself lies above the truth: what is
    biased by resampling was biased by sampling. Mirroring puts the interval on the other side. Of
    means, which are not biased, both intervals are nearly the same.

    Source: Davison and Hinkley, Bootstrap Methods and their Application, 1997, section 5.2.

    Args:
        estimate: From all samples.
        draws: (R, ...); NaN as in `percentile_interval`.
        level: Likewise.

    Raises:
        UserError: See `percentile_interval`.
    """
    low, high = percentile_interval(draws, level)
    return 2 * estimate - high, 2 * estimate - low


def _values_and_members(values: np.ndarray, members: np.ndarray) -> np.ndarray:
    """(N, 2 M): the values, 0 for those who are no members, and the members as 0 and 1."""
    values, members = np.asarray(values), np.asarray(members, bool)
    if values.shape != members.shape or values.ndim != 2:
        raise ValueError(
            f'values {values.shape} and members {members.shape} must both be (samples, columns)'
        )
    return np.hstack([np.where(members, values, 0), members], dtype=np.float64)


def _ratio(sums: np.ndarray, sizes: np.ndarray) -> np.ndarray:
    return np.divide(sums, sizes, out=np.full_like(sums, np.nan), where=sizes > 0)


def _finite_table(values: np.ndarray) -> np.ndarray:
    values = np.asarray(values, np.float64)
    if values.ndim != 2:
        raise ValueError(f'values must be (samples, columns), not of shape {values.shape}')
    if not np.isfinite(values).all():
        raise ValueError('a value is NaN or infinite: its mean is undefined')
    return values
