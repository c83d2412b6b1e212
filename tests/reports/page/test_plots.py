"""The charts hold the measured numbers on every axis, and hover tells all about a mark."""

import dataclasses

import pytest

from benchmarks.interval import Interval
from reports.page.page_panels import page_panels
from reports.page.plots import curve_chart
from reports.page.plots_leaving import leaving_chart
from reports.published import PublishedCurve
from reports.series import STYLES

from ..made_up_results import made_up_model, made_up_results, static_model, three_models


@pytest.fixture(scope='module')
def three():
    return three_models()


@pytest.fixture(scope='module')
def chart(three):
    return curve_chart(page_panels(three)[0])


def layer(chart, name, model=0):
    return [t for t in chart['data'] if t['meta'] | {'layer': name, 'model': model} == t['meta']]


def one(chart, name, model=0):
    (trace,) = layer(chart, name, model)
    return trace


def test_lines_marks_and_bands_are_what_was_measured(three, chart):
    for i, model in enumerate(three.models):
        line, marks, band = (one(chart, name, i) for name in ('curve', 'exits', 'bands'))
        costs = [1000 * point.gmacs_mean for point in model.points]
        assert line['x'] == pytest.approx(costs)
        assert line['y'] == [point.top1_percent for point in model.points]
        assert marks['y'] == [exit.test_top1_percent for exit in model.exits]
        assert marks['text'] == [exit.name for exit in model.exits]
        assert band['x'] == pytest.approx(costs + costs[::-1])
        assert band['y'] == [p.top1_interval.high for p in model.points] + [
            p.top1_interval.low for p in model.points[::-1]
        ]
        assert one(chart, 'random', i)['y'] == [p.random_top1_percent for p in model.points]
        oracle = one(chart, 'oracle', i)
        assert oracle['x'] == pytest.approx([1000 * model.statistics.oracle_gmacs_mean])
        assert oracle['y'] == [model.statistics.oracle_top1_percent]


def test_whiskers_end_at_the_interval(three, chart):
    exit, bars = three.models[0].exits[2], one(chart, 'exits')['error_y']
    assert exit.test_top1_percent + bars['array'][2] == pytest.approx(exit.test_top1_interval.high)
    low = exit.test_top1_percent - bars['arrayminus'][2]
    assert low == pytest.approx(exit.test_top1_interval.low)


def test_an_interval_beside_its_value_gives_no_negative_whisker():
    model = made_up_model()
    exit = dataclasses.replace(
        model.exits[0], test_top1_percent=100.0, test_top1_interval=Interval(97.0, 99.0)
    )
    model.exits[0] = exit
    bars = one(curve_chart(page_panels(made_up_results(model))[0]), 'exits')['error_y']
    assert bars['array'][0] == 0.0 and bars['arrayminus'][0] == 3.0


def test_milliseconds_are_predicted_for_lines_and_measured_for_marks(three, chart):
    assert list(chart['axes']) == ['macs', 'ms-1', 'ms-64']
    model = three.models[1]
    batch = model.latency.batches[1]
    times = [exit.timing.ms_per_image for exit in batch.exits]
    assert one(chart, 'exits', 1)['meta']['x']['ms-64'] == times
    point = model.points[9]
    predicted = sum(s * t for s, t in zip(point.exit_shares.values(), times, strict=True))
    line = one(chart, 'curve', 1)['meta']['x']['ms-64']
    assert line[9] == pytest.approx(predicted)
    assert one(chart, 'bands', 1)['meta']['x']['ms-64'] == line + line[::-1]
    small, large = layer(chart, 'measured', 1)
    assert small['x'] == large['x'] == []  # on no axis but its own
    assert large['meta']['x'] == {'ms-64': [run.timing.ms_per_image for run in batch.dynamic]}
    misses = [
        plus - minus
        for plus, minus in zip(
            large['error_x']['array'], large['error_x']['arrayminus'], strict=True
        )
    ]
    ends = [run.timing.ms_per_image + m for run, m in zip(batch.dynamic, misses, strict=True)]
    lines = {p.target_gmacs: x for p, x in zip(model.points, line, strict=True)}
    assert ends == pytest.approx([lines[run.target_gmacs] for run in batch.dynamic])
    accuracies = {point.target_gmacs: point.top1_percent for point in model.points}
    assert large['y'] == [accuracies[run.target_gmacs] for run in batch.dynamic]
    assert 'ms-1' not in one(chart, 'oracle', 1)['meta']['x']


def test_hover_tells_all_about_a_budget(three, chart):
    model = three.models[0]
    point = model.points[16]
    texts = one(chart, 'curve')['customdata']
    for expected in (
        f'target {1000 * point.target_gmacs:.2f} MMACs',
        f'{1000 * point.gmacs_mean:.1f} MMACs on average',
        f'{point.top1_percent:.2f} %',
        f'(95 %: {point.top1_interval.low:.2f} to {point.top1_interval.high:.2f})',
        f'random exits: {point.random_top1_percent:.2f} %',
        f'early: {100 * point.exit_shares["early"]:.1f} %',
        f'threshold {point.thresholds["early"]:.4f}',
        f'merged: {100 * point.exit_shares["merged"]:.1f} %',
        'ms per image predicted',
        'measured, in batches of 64',
    ):
        assert expected in texts[16]
    assert 'latent: 0.0 %, closed' in texts[0]
    assert 'measured' not in texts[15]


def test_operating_points_are_marks_with_their_settings(three, chart):
    policies = three.models[0].operating_points
    marks = one(chart, 'policies')
    assert marks['y'] == [policy.point.top1_percent for policy in policies]
    text = marks['customdata'][0].replace('\xa0', ' ')
    assert 'risk control, largest class probability<br>epsilon 0.01, delta 0.05' in text
    assert 'p-value binomial' in text and '_' not in text.split('<br>')[2]
    assert 'loses at most 1 % of all samples' in text
    assert len(marks['meta']['x']['ms-1']) == 2


def test_a_static_network_is_a_mark_alone():
    panel = page_panels(made_up_results(made_up_model(), static_model()))[0]
    names = [t['meta']['layer'] for t in curve_chart(panel)['data'] if t['meta']['model'] == 1]
    assert names == ['exits']


def test_more_models_than_colours_still_have_one():
    model = made_up_model(gallery=False, latency=False)
    models = [dataclasses.replace(model, name=str(i)) for i in range(len(STYLES) + 2)]
    results = made_up_results(*models, comparisons=[])
    data = curve_chart(page_panels(results)[0])['data']
    known = {f'var(--series-{i})' for i in range(len(STYLES))}
    assert {t['line']['color'] for t in data if t['meta']['layer'] == 'curve'} == known


def test_published_curves_keep_their_own_axis_and_name():
    curves = [
        PublishedCurve('Rival <b>', 'a paper & more', ((0.004, 70.0), (0.009, 80.0))),
        PublishedCurve('Released', 'files', ((0.005, 75.0),), 'anytime', ('early',)),
    ]
    chart = curve_chart(page_panels(made_up_results())[0], curves)
    line, marks = (t for t in chart['data'] if t['meta']['layer'] == 'published')
    assert line['x'] == pytest.approx([4.0, 9.0]) and line['meta']['x'] == {}
    assert 'lines' in line['mode'] and 'lines' not in marks['mode']
    assert 'Rival &lt;b&gt;' in line['text'] and 'Rival <b>' not in line['customdata'][0]
    assert 'published: a paper &amp; more' in line['customdata'][0]
    assert 'Released</b>, early' in marks['customdata'][0]


def test_leaving_chart_adds_up(three):
    panel = page_panels(three)[0]
    for model in panel.models:
        areas = leaving_chart(model, panel.unit)['data']
        assert [area['name'] for area in areas] == [exit.name for exit in model.exits]
        for heights in zip(*(area['y'] for area in areas), strict=True):
            assert sum(heights) == pytest.approx(100)
