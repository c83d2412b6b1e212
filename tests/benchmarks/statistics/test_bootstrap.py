"""Resampling against binomial theory, plain loops and numbers by hand."""

import numpy as np
import pytest
from scipy import stats

from benchmarks.statistics import (
    basic_interval,
    bootstrap_means,
    percentile_interval,
    resampling_counts,
    subset_means,
)
from benchmarks.statistics import bootstrap as bootstrap_module
from dynp_plugins.errors import UserError


def all_counts(samples, draws, seed=0):
    return np.concatenate(list(resampling_counts(samples, draws, seed)))


def bernoulli(samples, hits):
    return (np.arange(samples) < hits).astype(float)[:, None]


def test_each_draw_takes_as_many_samples_as_there_are():
    counts = all_counts(40, draws=25)
    assert counts.shape == (25, 40)
    assert (counts.sum(1) == 40).all()
    assert (counts == counts.round()).all() and (counts >= 0).all()


def test_counts_are_binomial():
    """How often a given sample is taken is Binomial(N, 1/N)."""
    counts = all_counts(50, draws=2000).astype(int)
    seen = np.bincount(counts.ravel(), minlength=4)[:4] / counts.size
    np.testing.assert_allclose(seen, stats.binom.pmf(range(4), 50, 1 / 50), atol=0.005)


def test_the_same_samples_and_seed_give_the_same_draws_in_chunks_of_any_size(monkeypatch):
    whole = all_counts(30, draws=11, seed=5)
    monkeypatch.setattr(bootstrap_module, '_CHUNK_NUMBERS', 30 * 4)
    chunks = list(resampling_counts(30, 11, 5))
    assert [len(chunk) for chunk in chunks] == [4, 4, 3]
    np.testing.assert_array_equal(np.concatenate(chunks), whole)
    np.testing.assert_array_equal(all_counts(30, draws=7, seed=5), whole[:7])
    assert (all_counts(30, draws=11, seed=6) != whole).any()


def test_memory_is_bounded_however_many_samples():
    chunk = next(resampling_counts(3_000_000, draws=1000))
    assert chunk.shape == (1, 3_000_000)


def test_means_equal_those_of_the_samples_taken_one_by_one():
    values = np.random.default_rng(1).normal(size=(20, 3))
    expected = [
        values[np.repeat(np.arange(20), counts.astype(int))].mean(0)
        for counts in all_counts(20, draws=9, seed=2)
    ]
    np.testing.assert_allclose(bootstrap_means(values, 9, 2), expected, rtol=1e-13)


def test_means_of_right_and_wrong_are_exact():
    """Counts are whole numbers, so nothing is rounded before the one division."""
    correct = bernoulli(1000, 700) > 0
    hits = bootstrap_means(correct, draws=50)[:, 0] * 1000
    np.testing.assert_allclose(hits, hits.round(), atol=1e-9)
    assert (bootstrap_means(np.ones((77, 2)), draws=50) == 1).all()


@pytest.mark.parametrize(('samples', 'hits'), [(2000, 1500), (2000, 1000), (800, 720)])
def test_interval_of_an_accuracy_against_the_normal_approximation(samples, hits):
    p = hits / samples
    half_width = stats.norm.ppf(0.975) * np.sqrt(p * (1 - p) / samples)
    low, high = percentile_interval(bootstrap_means(bernoulli(samples, hits), draws=4000))
    assert low[0] == pytest.approx(p - half_width, abs=0.08 * half_width)
    assert high[0] == pytest.approx(p + half_width, abs=0.08 * half_width)


def test_interval_of_an_accuracy_against_the_exact_binomial_quantiles():
    """A resampled hit count is Binomial(N, hits / N), for few samples too."""
    low, high = percentile_interval(bootstrap_means(bernoulli(30, 24), draws=20000), level=0.9)
    assert round(low[0] * 30) == stats.binom.ppf(0.05, 30, 0.8)
    assert round(high[0] * 30) == stats.binom.ppf(0.95, 30, 0.8)


def test_all_correct_has_an_interval_without_width():
    low, high = percentile_interval(100 * bootstrap_means(np.ones((500, 1))))
    assert (low[0], high[0]) == (100, 100)


def test_models_that_mostly_agree_differ_by_a_narrow_paired_interval():
    """With b samples that only A gets right, c only B: variance (b + c - (b - c)^2 / N) / N^2."""
    a = bernoulli(2000, 1600)
    b = a.copy()
    b[:40] = 0  # 40 that only A gets right
    b[1990:] = 1  # 10 that only B gets right
    low, high = percentile_interval(bootstrap_means(a) - bootstrap_means(b))
    half_width = stats.norm.ppf(0.975) * np.sqrt((50 - 30**2 / 2000) / 2000**2)
    assert high[0] - low[0] == pytest.approx(2 * half_width, rel=0.1)
    assert low[0] > 0
    unpaired_low, unpaired_high = percentile_interval(
        bootstrap_means(a, seed=0) - bootstrap_means(b, seed=1)
    )
    assert unpaired_high[0] - unpaired_low[0] > 3 * (high[0] - low[0])


def test_percentiles_by_hand():
    draws = np.arange(101.0)[:, None] * [1, -2]
    low, high = percentile_interval(draws, level=0.9)
    np.testing.assert_allclose(low, [5, -190])
    np.testing.assert_allclose(high, [95, -10])


def test_undefined_draws_count_against_both_ends():
    draws = np.arange(101.0)
    draws[50:53] = np.nan  # 98 are left, 3 might be anywhere
    low, high = percentile_interval(draws, level=0.9)
    assert (low, high) == pytest.approx((2, 98))
    assert percentile_interval(np.where(draws < 6, np.nan, draws), level=0.9) == pytest.approx(
        (np.nan, np.nan), nan_ok=True
    )


def test_accuracy_of_a_subset_by_hand():
    values = np.array([[1, 1], [0, 1], [1, np.nan], [0, 0]])
    members = np.array([[1, 0], [1, 0], [1, 0], [0, 0]], bool)
    np.testing.assert_array_equal(subset_means(values, members), [2 / 3, np.nan])


def test_what_is_refused():
    with pytest.raises(UserError, match='0 bootstrap draws of 5 samples'):
        bootstrap_means(np.ones((5, 1)), draws=0)
    with pytest.raises(UserError, match='draws of 0 samples'):
        bootstrap_means(np.ones((0, 1)))
    with pytest.raises(UserError, match='a 95 interval'):
        percentile_interval(np.ones(5), level=95)
    with pytest.raises(UserError, match='at least one bootstrap draw'):
        percentile_interval(np.ones((0, 2)))
    with pytest.raises(ValueError, match='NaN'):
        bootstrap_means(np.array([[1.0], [np.nan]]))
    with pytest.raises(ValueError, match=r'\(5,\)'):
        bootstrap_means(np.ones(5))
    with pytest.raises(ValueError, match=r'\(5, 1\) and members \(5, 2\)'):
        subset_means(np.ones((5, 1)), np.ones((5, 2), bool))
    with pytest.raises(ValueError, match='NaN'):
        subset_means(np.array([[np.nan]]), np.ones((1, 1), bool))


def test_the_basic_interval_is_the_percentile_interval_mirrored_at_the_estimate():
    draws = np.random.default_rng(0).normal(3, 1, (500, 2))
    low, high = percentile_interval(draws, 0.9)
    mirrored = basic_interval(2.0, draws, 0.9)
    np.testing.assert_allclose(mirrored, [4 - high, 4 - low])
    assert np.isnan(basic_interval(2.0, np.full(40, np.nan))).all()


def test_the_basic_interval_undoes_a_bias_of_draws():
    """The plain variance is too low by 1/N, that of draws from it by as much again."""
    generator, held = np.random.default_rng(1), []
    for seed in range(200):
        values = generator.normal(size=(12, 1))
        powers = bootstrap_means(np.hstack([values, values**2]), 400, seed)
        draws = powers[:, 1] - powers[:, 0] ** 2
        low, high = percentile_interval(draws)
        basic = basic_interval(values.var(), draws)
        held.append((np.mean(basic), (low + high) / 2))
    basic, percentile = np.mean(held, 0)
    assert abs(basic - 1) < abs(percentile - 1)
