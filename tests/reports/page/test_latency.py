"""The latency section draws and says what was measured."""

import dataclasses

import pytest

from benchmarks.interval import Interval
from reports.page.latency import (
    HEIGHT,
    SPREAD_WIDTH,
    WIDTH,
    latency_finding,
    model_times,
    throughput,
)
from reports.page.page_panels import page_panels

from ..made_up_results import made_up_model, made_up_results, static_model


def panel(*models):
    return page_panels(made_up_results(*models))[0]


def test_a_run_is_drawn_at_its_speedup_between_its_ends():
    model = made_up_model()
    batch = model.latency.batches[1]
    run = dataclasses.replace(
        batch.dynamic[1], realised_speedup=1.5, realised_interval=Interval(1.25, 1.75)
    )
    batch.dynamic[1] = dataclasses.replace(run, predicted_speedup=2.0)
    drawn = model_times(panel(model))[0].batches[1]
    found = drawn.runs[1]
    assert (found.speedup, found.interval) == ('1.50\N{MULTIPLICATION SIGN}', '1.25\N{EN DASH}1.75')
    per_unit = (drawn.even_y - found.y) / 0.5
    assert drawn.even_y - found.predicted_y == pytest.approx(per_unit)
    assert found.low_y - found.high_y == pytest.approx(0.5 * per_unit)
    assert 0 <= found.high_y < found.low_y <= HEIGHT and 0 <= found.x <= WIDTH
    ticks = {text: y for y, text in drawn.y_ticks}
    assert ticks['1.5'] == pytest.approx(found.y)


def test_spreads_share_a_scale_from_zero():
    batch = model_times(panel(made_up_model()))[0].batches[0]
    most = max(exit.record.timing.p99_ms for exit in batch.exits)
    for exit in batch.exits:
        timing, spread = exit.record.timing, exit.spread
        assert spread.p50 == pytest.approx(SPREAD_WIDTH * timing.p50_ms / most)
        assert spread.low <= spread.p50 <= spread.p90 <= spread.p99 <= SPREAD_WIDTH


def test_static_and_untimed_networks():
    (times,) = model_times(panel(made_up_model('a', latency=False), static_model()))
    assert times.model == 1
    for batch in times.batches:
        assert batch.runs == [] and batch.predicted == '' and len(batch.exits) == 1
    assert latency_finding(panel(static_model())) == 'How long each exit takes'


def test_the_finding_is_about_the_largest_batch():
    model = made_up_model()
    run = model.latency.batches[1].dynamic[1]
    text = latency_finding(panel(model))
    assert f'runs {run.realised_speedup:.2f} times as fast' in text
    assert f'predicted were {run.predicted_speedup:.2f} times' in text
    assert f'{1000 * run.gmacs_mean:.1f} MMACs' in text and 'in batches of 64' in text


def test_of_several_models_the_runs_at_the_largest_batch_are_counted():
    models = [made_up_model('a'), made_up_model('b', seed=1), static_model()]
    ends = [(1.1, 1.3), (0.9, 1.2), (0.7, 0.9), (0.8, 0.9), (1.2, 1.4), (1.01, 1.1)]
    for model, part in zip(models, (ends[:3], ends[3:]), strict=False):
        runs = model.latency.batches[1].dynamic
        runs[:] = [
            dataclasses.replace(run, realised_interval=Interval(*two))
            for run, two in zip(runs, part, strict=True)
        ]
    assert latency_finding(panel(*models)) == (
        'In batches of 64, 3 of 6 runs of early exit are faster than the full network, 2 slower, '
        '1 cannot be told from it'
    )
    assert latency_finding(panel(static_model('a'), static_model('b', seed=1))) == (
        'How long each exit takes'
    )


@pytest.mark.parametrize(
    'value, text', [(34712.4, '34,712'), (971.2, '971'), (3.14159, '3.14'), (float('inf'), None)]
)
def test_throughput(value, text):
    assert throughput(value) == (text or '\N{EN DASH}')
