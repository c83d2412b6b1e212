"""Predicted and measured times belong to the right budget, exit and batch size."""

import dataclasses

import pytest

from reports.times import batch_name, batch_sizes, measured, predicted_ms, timed_batches

from .made_up_results import made_up_model


def test_predicted_is_the_mean_of_the_exits_times_by_share():
    model = made_up_model()
    batch = timed_batches(model)[0]
    times = {exit.exit: exit.timing.ms_per_image for exit in batch.exits}
    shares = {'early': 0.5, 'latent': 0.0, 'feature': 0.25, 'merged': 0.25}
    point = dataclasses.replace(model.points[0], exit_shares=shares)
    expected = 0.5 * times['early'] + 0.25 * times['feature'] + 0.25 * times['merged']
    assert predicted_ms(model, batch, point) == pytest.approx(expected)
    backwards = dataclasses.replace(batch, exits=batch.exits[::-1])
    assert predicted_ms(model, backwards, point) == pytest.approx(expected)


def test_a_run_belongs_to_the_budget_with_its_thresholds():
    model = made_up_model()
    batch = timed_batches(model)[0]
    found = [point for point in model.points if measured(batch, point)]
    assert [point.target_gmacs for point in found] == [run.target_gmacs for run in batch.dynamic]
    point = found[0]
    other = point.thresholds | {'early': point.thresholds['early'] + 0.01}
    assert measured(batch, dataclasses.replace(point, thresholds=other)) is None
    closed = point.thresholds | {'early': None}
    assert measured(batch, dataclasses.replace(point, thresholds=closed)) is None
    rounded = {name: round(value, 7) for name, value in point.thresholds.items()}
    assert measured(batch, dataclasses.replace(point, thresholds=rounded)) is batch.dynamic[0]


def test_a_batch_without_all_exits_is_left_out():
    model = made_up_model()
    small, large = model.latency.batches
    partly = dataclasses.replace(small, exits=small.exits[:-1])
    latency = dataclasses.replace(model.latency, batches=[large, partly])
    model = dataclasses.replace(model, latency=latency)
    assert timed_batches(model) == [large]
    assert batch_sizes([model, made_up_model(latency=False)]) == [64]
    assert timed_batches(made_up_model(latency=False)) == []


def test_names_of_batches():
    assert batch_name(1, 'video') == 'one video at a time'
    assert batch_name(64) == 'in batches of 64'
