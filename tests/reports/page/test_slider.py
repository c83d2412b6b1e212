"""The budget slider in a real headless browser: it moves all numbers to the right points."""

import json
import re

import pytest

from reports.page.numbers import confidence_text

from .driven_page import dots, near, pixel, readouts, set_slider
from .page_reader import one_line


def test_the_slider_moves_all_numbers_to_those_of_the_right_points(page_of_three):
    models, tab = page_of_three
    (budgets,) = json.loads(tab.value("document.getElementById('budgets').textContent"))
    targets = [point.target_gmacs for model in models for point in model.points]
    for position in (0, 41, 100, 163, 200):
        set_slider(tab, position)
        budget = min(targets) + position / 200 * (max(targets) - min(targets))
        assert budgets['gmacs'][position] == pytest.approx(budget, rel=1e-6)
        shown = one_line(tab.value("document.querySelector('[data-budget]').textContent"))
        assert float(shown.split()[0]) == pytest.approx(1000 * budget, rel=0.01)
        for model, said in zip(models, readouts(tab), strict=True):
            within = [p for p in model.points if p.target_gmacs <= budget * (1 + 1e-9)]
            if not within:
                least = 1000 * model.points[0].target_gmacs
                assert said['text'].endswith(f'Not within this budget: needs {least:.2f} MMACs.')
                continue
            point = max(within, key=lambda point: point.target_gmacs)
            assert 'Not within' not in said['text']
            assert f'{point.top1_percent:.1f} % top-1' in said['text']
            interval = point.top1_interval
            assert f'95 %: {interval.low:.1f} to {interval.high:.1f}' in said['text']
            cost = float(said['fields']['cost'].split()[0])
            assert cost == pytest.approx(1000 * point.gmacs_mean, rel=0.006)
            shares = [100 * share for share in point.exit_shares.values()]
            assert [float(bar.strip('%')) for bar in said['bars']] == pytest.approx(shares, 1e-4)
            assert [said['fields'][f'share-{k}'] for k in range(len(shares))] == [
                f'{share:.1f}' for share in shares
            ]
            table = tab.value(
                f"document.querySelectorAll('.exit-table table')[{models.index(model)}].innerText"
            )
            for threshold in point.thresholds.values():
                assert confidence_text(threshold, 'max_softmax') in table
            for right in point.exit_top1_percent.values():
                assert ('\N{EN DASH}' if right is None else f'{right:.1f}') in table


def test_a_measured_budget_shows_what_was_measured(page_of_one):
    model, tab = page_of_one
    for position, point in enumerate(model.points):
        runs = [
            run
            for batch in model.latency.batches
            for run in batch.dynamic
            if run.target_gmacs == point.target_gmacs
        ]
        if position not in (8, 15, 16, 24):
            continue
        set_slider(tab, position)
        (said,) = readouts(tab)
        shown = [said['fields'][f'measured-speedup-{size}'] for size in (1, 64)]
        assert shown == (
            [f'{run.realised_speedup:.2f}\N{MULTIPLICATION SIGN}' for run in runs]
            or 2 * ['\N{EN DASH}']
        )
        assert bool(runs) == (position != 15)


def test_the_slider_is_worked_by_keys_and_says_what_it_shows(page_of_one):
    model, tab = page_of_one
    points = model.points
    tab.value("document.getElementById('budget-0').focus()")
    tab.press('Home')
    tab.press('ArrowRight', times=3)
    assert tab.value("document.getElementById('budget-0').value") == '3'
    said = one_line(tab.value("document.activeElement.getAttribute('aria-valuetext')"))
    assert re.match(rf'{1000 * points[3].target_gmacs:.2f} MMACs: ', said)
    assert said.endswith(f'{points[3].top1_percent:.1f} %')
    tab.press('End')
    (end,) = readouts(tab)
    assert f'{points[-1].top1_percent:.1f} % top-1' in end['text']
    assert tab.value('document.activeElement.labels[0].innerText') == 'Budget'


def test_the_budget_is_marked_on_the_curve_and_in_the_shares(page_of_one):
    model, tab = page_of_one
    for position in (4, 20):
        set_slider(tab, position)
        point = model.points[position]
        marks = dots(tab, 'curve-0')
        cost = 1000 * point.gmacs_mean
        assert marks['dots'] == [near(pixel(tab, 'curve-0', cost, point.top1_percent))]
        target = pixel(tab, 'curve-0', 1000 * point.target_gmacs, 0)[0]
        assert marks['lines'] == [near(target)]
        assert dots(tab, 'leaving-0-0')['lines'] == [near(pixel(tab, 'leaving-0-0', cost, 0)[0])]
        slider = tab.value(
            """(() => {
              const slider = document.getElementById('budget-0');
              const box = slider.getBoundingClientRect();
              const chart = document.querySelector('[data-chart]').getBoundingClientRect();
              const part = slider.value / slider.max;
              return box.left - chart.left + 8 + part * (box.width - 16);
            })()"""
        )
        assert slider == pytest.approx(target, abs=1)  # the handle is below the line


def test_the_slider_stays_in_sight_beside_what_it_moves(page_of_three):
    _, tab = page_of_three
    top = "document.querySelector('.budget').getBoundingClientRect().top"
    tab.value("document.getElementById('leaving-0').scrollIntoView()")
    assert tab.value(top) == 0
    tab.value("document.getElementById('numbers-0').scrollIntoView()")
    assert tab.value(top) < -50


def test_what_a_mark_said_goes_when_the_slider_moves(page_of_one):
    _, tab = page_of_one
    hovers = "document.querySelectorAll('[data-chart=curve-0] .hovertext').length"
    line = "const chart = document.querySelector('[data-chart=curve-0]');"
    line += "const curve = chart.data.findIndex((trace) => trace.meta.layer === 'curve');"
    line += 'Plotly.Fx.hover(chart, [{ curveNumber: curve, pointNumber: 9 }]);'
    # plotly waits a moment if it was asked not long before
    tab.value(f'(() => {{ {line} return new Promise((done) => setTimeout(done, 200)); }})()')
    assert tab.value(hovers) == 1
    set_slider(tab, 7)
    assert tab.value(hovers) == 0
