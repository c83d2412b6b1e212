"""Which times are shown, what they say, and their figure."""

import dataclasses

import pytest
from PIL import Image

from dynp_plugins.errors import UserError
from reports.figures.latency import draw_latency, has_latency, latency_figure
from reports.latency import common_batch_sizes, latency_finding, timed_budgets

from .made_up_results import made_up_model, made_up_results, static_model, three_models


def with_batches(model, *numbers):
    """The model with only some of its batch sizes, by number."""
    batches = [model.latency.batches[i] for i in numbers]
    return dataclasses.replace(model, latency=dataclasses.replace(model.latency, batches=batches))


def test_batch_sizes_that_all_timed_models_have():
    timed, untimed = made_up_model('a'), made_up_model('b', latency=False)
    assert common_batch_sizes(made_up_results(timed, untimed)) == [1, 64]
    assert common_batch_sizes(made_up_results(timed, with_batches(made_up_model('c'), 1))) == [64]
    assert common_batch_sizes(made_up_results(untimed)) == []
    apart = made_up_results(with_batches(timed, 0), with_batches(made_up_model('c'), 1))
    assert common_batch_sizes(apart) == [] and not has_latency(apart)


def test_a_timed_budget_has_the_accuracy_of_its_thresholds():
    model = made_up_model(operating_points=False)
    budgets = timed_budgets(model, 64)
    assert [one.time for one in budgets] == model.latency.batches[1].dynamic
    assert [one.point for one in budgets] == [model.points[i] for i in (8, 16, 24)]
    assert timed_budgets(model, 2) == []


def test_a_policy_on_the_curve_counts_once():
    model = made_up_model(operating_points=False)
    single = made_up_model().operating_points[0]
    on_curve = dataclasses.replace(single, point=model.points[8])
    model = dataclasses.replace(model, operating_points=[on_curve])
    assert len(timed_budgets(model, 64)) == 3


def test_times_of_unknown_thresholds_have_no_accuracy():
    model = made_up_model(operating_points=False)
    for point in model.points:
        point.thresholds['early'] = 0.123
    assert timed_budgets(model, 64) == [] and latency_finding(model, 64) == ''


def test_a_run_in_which_one_exit_answers_everybody_is_no_finding():
    model = made_up_model(operating_points=False)
    for i, point in enumerate(model.points):
        shares = {name: float(name == 'merged') for name in point.exit_shares}
        model.points[i] = dataclasses.replace(point, exit_shares=shares)
    assert timed_budgets(model, 64) and latency_finding(model, 64) == ''


def test_the_finding_speaks_of_the_most_accurate_budget():
    model = made_up_model()
    time, point = model.latency.batches[1].dynamic[2], model.points[24]
    said = latency_finding(model, 64)
    assert said == (
        f'Early exit is {time.realised_speedup:.2f}x as fast as the full network in batches of '
        f'64, with {point.top1_percent:.1f} % accuracy (95 % interval '
        f'{time.realised_interval.low:.2f} to {time.realised_interval.high:.2f}; predicted '
        f'{time.predicted_speedup:.2f})'
    )
    assert latency_finding(model, 64, 'ours').startswith('Early exit of ours is ')
    assert latency_finding(static_model(), 64) == ''


def lines_with(axes, marker, filled):
    return [
        line
        for line in axes.lines
        if line.get_marker() == marker and (line.get_markerfacecolor() != 'white') == filled
    ]


def test_what_is_drawn():
    results = three_models()
    figure = latency_figure(results)
    times, speedups = figure.axes
    assert times.get_xlabel() == 'Milliseconds per image, batches of 64'
    for model, marker in zip(results.models, 'os^', strict=True):
        small, large = model.latency.batches
        (exits,) = lines_with(times, marker, False)
        assert list(exits.get_xdata()) == [one.timing.ms_per_image for one in large.exits]
        assert list(exits.get_ydata()) == [exit.test_top1_percent for exit in model.exits]
        (runs,) = lines_with(times, marker, True)
        assert list(runs.get_xdata()) == [one.timing.ms_per_image for one in large.dynamic]
        for batch, filled in ((small, False), (large, True)):
            (ratios,) = lines_with(speedups, marker, filled)
            assert list(ratios.get_xdata()) == [one.predicted_speedup for one in batch.dynamic]
            assert list(ratios.get_ydata()) == [one.realised_speedup for one in batch.dynamic]
    assert 'Example Processor 9000, 2 threads' in figure.texts[-1].get_text().replace('\n', ' ')


def test_without_early_exits_there_is_no_speed_up():
    results = made_up_results(static_model('one'), static_model('two', gmacs=8e-3))
    figure = latency_figure(results)
    assert len(figure.axes) == 1
    assert figure.texts[0].get_text() == 'Accuracy against time in batches of 64'


def test_the_file(tmp_path):
    results = made_up_results(made_up_model('ours'), static_model())
    for name in ('latency.png', 'one.svg', 'two.svg'):
        draw_latency(results, tmp_path / name)
    with Image.open(tmp_path / 'latency.png') as picture:
        assert picture.format == 'PNG' and picture.width == 1440
    assert (tmp_path / 'one.svg').read_bytes() == (tmp_path / 'two.svg').read_bytes()


def test_nothing_timed(tmp_path):
    results = made_up_results(made_up_model(latency=False))
    assert not has_latency(results)
    with pytest.raises(UserError, match=r'tools/benchmark\.py'):
        draw_latency(results, tmp_path / 'latency.png')
    assert list(tmp_path.iterdir()) == []
