"""Pairs of detectors on the same test images."""

from dataclasses import replace

import numpy as np
import pytest

from benchmarks.detection.comparisons import compare_detectors
from benchmarks.run_records import SplitRecord
from tests.benchmarks.detection.measured import measured_detector


@pytest.fixture(scope='module')
def good():
    return measured_detector('good', (0.4, 0.8))


@pytest.fixture(scope='module')
def poor():
    return measured_detector('poor', (0.6, 0.2))


def test_each_at_the_scale_that_is_best_on_calibration_data(good, poor):
    (found,) = compare_detectors([good, poor])
    assert (found.model, found.baseline) == (0, 1)
    assert (found.scale, found.baseline_scale) == ([200, 160], [100, 80])
    assert found.cost_ratio == pytest.approx(1 / 2)
    ours, theirs = good.result.points[1].test, poor.result.points[0].test
    assert found.map_difference == ours.map_percent - theirs.map_percent > 0


def test_the_interval_is_of_paired_draws(good, poor):
    (found,) = compare_detectors([good, poor])
    draws = good.scales[1].draws.map_percent - poor.scales[0].draws.map_percent
    interval = found.map_difference_interval
    expected = 2 * found.map_difference - np.quantile(draws, [0.975, 0.025])
    np.testing.assert_allclose([interval.low, interval.high], expected)
    (itself,) = compare_detectors([good, good])
    assert (itself.map_difference, itself.cost_ratio) == (0, 1)
    assert itself.map_difference_interval.low == itself.map_difference_interval.high == 0


def test_other_test_images_are_not_compared(good, poor):
    other = replace(poor, result=replace(poor.result, test=SplitRecord('test', 10, 'other')))
    assert compare_detectors([good, other]) == []
    pairs = [(c.model, c.baseline) for c in compare_detectors([good, other, poor])]
    assert pairs == [(0, 2)]


def test_other_objects_in_the_same_images_leave_no_difference(good, poor):
    changed = [
        replace(one, test=replace(one.test, true_boxes=one.test.true_boxes + 1))
        for one in poor.scales
    ]
    (found,) = compare_detectors([good, replace(poor, scales=changed)])
    assert found.map_difference is found.map_difference_interval is None
    assert found.cost_ratio == pytest.approx(1 / 2)
