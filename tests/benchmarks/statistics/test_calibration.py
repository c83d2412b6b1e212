"""Reliability bins and calibration error: by hand, by a plain loop, and for known predictors."""

import numpy as np
import pytest

from benchmarks.statistics import expected_calibration_error, reliability_bins
from dynp_plugins.errors import UserError


def error(confidence, correct, bins=15):
    return expected_calibration_error(reliability_bins(confidence, correct, bins))


def test_two_bins_by_hand():
    found = reliability_bins([0.2, 0.5, 0.6, 0.8, 1.0], [0, 1, 1, 0, 1], bins=2)
    np.testing.assert_array_equal(found.edges, [0, 0.5, 1])
    np.testing.assert_array_equal(found.samples, [2, 3])  # 0.5 belongs to the lower bin
    np.testing.assert_allclose(found.confidence, [0.35, 0.8])
    np.testing.assert_allclose(found.accuracy, [1 / 2, 2 / 3])
    assert expected_calibration_error(found) == pytest.approx(0.4 * 0.15 + 0.6 * (0.8 - 2 / 3))


def test_bins_are_open_below_and_closed_above():
    found = reliability_bins([0, 0.25, np.nextafter(0.25, 1), 1], np.ones(4), bins=4)
    np.testing.assert_array_equal(found.samples, [2, 1, 0, 1])


def test_empty_bins_are_undefined_and_count_for_nothing():
    found = reliability_bins([0.95, 0.95], [1, 0], bins=10)
    assert np.isnan(found.confidence[:9]).all() and np.isnan(found.accuracy[:9]).all()
    assert expected_calibration_error(found) == pytest.approx(0.45)


def test_against_a_plain_loop_over_bins():
    rng = np.random.default_rng(0)
    confidence = rng.random(500).astype(np.float32)
    correct = rng.random(500) < confidence**2
    expected = 0
    for b in range(15):
        inside = (confidence > b / 15) & (confidence <= (b + 1) / 15)
        if inside.any():
            gap = abs(correct[inside].mean() - confidence[inside].mean(dtype=float))
            expected += inside.mean() * gap
    assert error(confidence, correct) == pytest.approx(expected, rel=1e-12)


def test_a_calibrated_predictor_has_no_error():
    """Exactly c of the samples with confidence c are right."""
    confidence = np.repeat([0.35, 0.55, 0.75, 0.95], 100)
    correct = np.tile(np.arange(100), 4) < 100 * confidence - 0.5
    assert error(confidence, correct) == pytest.approx(0, abs=1e-12)


def test_a_calibrated_random_predictor_has_an_error_near_zero():
    rng = np.random.default_rng(1)
    confidence = rng.random(100_000)
    assert error(confidence, rng.random(100_000) < confidence) < 0.01


def test_a_constant_overconfident_predictor_errs_by_the_gap():
    assert error(np.full(1000, 0.9), np.arange(1000) < 600) == pytest.approx(0.3)


def test_the_error_never_exceeds_the_mean_gap_and_equals_it_if_all_bins_err_alike():
    confidence = np.linspace(0.5, 1, 200)
    assert error(confidence, np.zeros(200)) == pytest.approx(confidence.mean())


def test_what_is_refused():
    with pytest.raises(UserError, match=r'a confidence of 1\.5 is no probability'):
        reliability_bins([0.5, 1.5], [1, 1])
    with pytest.raises(UserError, match='a confidence of nan'):
        reliability_bins([np.nan], [1])
    with pytest.raises(UserError, match='0 bins'):
        reliability_bins([0.5], [1], bins=0)
    with pytest.raises(ValueError, match='at least one sample'):
        reliability_bins([], [])
    with pytest.raises(ValueError, match=r'\(2,\) and correct \(3,\)'):
        reliability_bins([0.5, 0.6], [1, 1, 0])
