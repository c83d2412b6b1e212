"""Bootstrapped average precision against COCOeval on images that are really copied."""

import time

import numpy as np
import pytest

from benchmarks.detection import map_bootstrap
from benchmarks.detection.coco_metrics import evaluate
from benchmarks.detection.map_bootstrap import difference_interval, map_draws, map_interval
from benchmarks.interval import Interval
from benchmarks.statistics.bootstrap import resampling_counts
from dynp_plugins import UserError
from tests.benchmarks.detection.tables import made_up_image, random_images, table_of

DRAWS = 12


def copied(images, counts):
    """Every image as often as it was drawn, the copies side by side."""
    return table_of([image for image, n in zip(images, counts, strict=True) for _ in range(int(n))])


@pytest.mark.parametrize('seed', range(3))
@pytest.mark.parametrize('ties', [False, True])
def test_a_draw_is_coco_on_copied_images(ties, seed):
    images = random_images(9, ties=ties, seed=seed)
    table = table_of(images)
    draws = map_draws(table, evaluate(table).matches, DRAWS, seed)
    (counts,) = resampling_counts(len(images), DRAWS, seed)
    for i, row in enumerate(counts):
        metrics = evaluate(copied(images, row)).metrics
        assert draws.map_percent[i] == pytest.approx(metrics.map_percent, abs=1e-9)
        assert draws.ap50_percent[i] == pytest.approx(metrics.ap50_percent, abs=1e-9)
    assert np.ptp(draws.map_percent) > 1


def test_classes_that_are_in_few_images():
    """What a draw has no object of does not count in it, as in COCO."""
    images = [
        made_up_image([(k, 0, 0, 50, 50)], [(0.9, k, 0, 0, 50, 50 - 8 * k)], number=k)
        for k in range(3)
    ]
    images.append(made_up_image(found=[(0.95, 0, 0, 0, 50, 50)], number=3))
    table = table_of(images)
    draws = map_draws(table, evaluate(table).matches, 40)
    (counts,) = resampling_counts(4, 40)
    for i, row in enumerate(counts):
        expected = evaluate(copied(images, row)).metrics.map_percent
        expected = np.nan if expected is None else expected
        np.testing.assert_allclose(draws.map_percent[i], expected, atol=1e-9)


def test_draws_without_any_object_have_no_precision():
    images = [made_up_image([(0, 0, 0, 50, 50)]), made_up_image(number=1)]
    table = table_of(images)
    draws = map_draws(table, evaluate(table).matches, 50)
    (counts,) = resampling_counts(2, 50)
    np.testing.assert_array_equal(np.isnan(draws.map_percent), counts[:, 0] == 0)
    assert set(draws.map_percent[counts[:, 0] > 0]) == {0}
    assert map_interval(0.0, draws.map_percent) is None
    assert map_interval(None, np.zeros(100)) is None


def test_no_objects_and_no_detections():
    table = table_of([made_up_image(), made_up_image(number=1)])
    draws = map_draws(table, evaluate(table).matches, 5)
    assert np.isnan(draws.map_percent).all()
    with pytest.raises(UserError, match='both numbers must be at least 1'):
        map_draws(table, evaluate(table).matches, 0)


def test_the_memory_limit_changes_nothing(monkeypatch):
    table = table_of(random_images(10))
    matches = evaluate(table).matches
    whole = map_draws(table, matches, 20)
    monkeypatch.setattr(map_bootstrap, '_CHUNK_NUMBERS', 200)
    monkeypatch.setattr('benchmarks.statistics.bootstrap._CHUNK_NUMBERS', 70)
    chunks = map_draws(table, matches, 20)
    np.testing.assert_allclose(chunks.map_percent, whole.map_percent, rtol=1e-12)


def test_two_detectors_on_the_same_images_meet_the_same_draws():
    a, b = (table_of(random_images(30, skill=skill)) for skill in (0.7, 0.5))
    draws = [map_draws(table, evaluate(table).matches, 200).map_percent for table in (a, b)]
    unpaired = draws[0] - np.roll(draws[1], 1)
    assert np.std(draws[0] - draws[1]) < 0.9 * np.std(unpaired)


def test_the_interval_is_mirrored_at_the_estimate():
    """Draws from 30 to 50 above an estimate of 35: as far as they are too high, so is it."""
    draws = np.linspace(30, 50, 1001)
    found = map_interval(35.0, draws)
    assert (found.low, found.high) == pytest.approx((20.5, 39.5))
    assert map_interval(20.0, draws) == Interval(0, pytest.approx(9.5))
    found = difference_interval(20.0, draws)
    assert (found.low, found.high) == pytest.approx((-9.5, 9.5))


@pytest.mark.slow
def test_intervals_hold_the_true_value():
    """Of many small splits of one population; percentile intervals hold it far too seldom."""
    population = random_images(1500, 15)
    true = evaluate(table_of(population)).metrics.map_percent
    random, held = np.random.default_rng(0), []
    for seed in range(50):
        table = table_of([population[i] for i in random.choice(1500, 72, replace=False)])
        seen = evaluate(table)
        draws = map_draws(table, seen.matches, 300, seed).map_percent
        basic = map_interval(seen.metrics.map_percent, draws)
        low, high = np.quantile(draws, [0.025, 0.975])
        held.append((basic.low <= true <= basic.high, low <= true <= high))
    basic, percentile = np.mean(held, 0)
    assert basic > 0.84 > percentile


@pytest.mark.slow
def test_a_thousand_draws_of_a_small_split_take_no_time():
    table = table_of(random_images(72, found=100))
    matches = evaluate(table).matches
    start = time.process_time()
    map_draws(table, matches, 1000)
    assert time.process_time() - start < 5
