"""The page in a real headless browser: drawn without complaint; the slider moves the numbers."""

import json
import re
from itertools import pairwise

import pytest

from reports.page import write_page

from .headless_chromium import Chromium, NoBrowser, Tab
from .made_up_pages import (
    bare_results,
    evil_results,
    imagenet_results,
    many_models,
    two_test_sets,
)
from .made_up_results import made_up_model, made_up_results, static_model, three_models
from .page_reader import one_line

DRAWN = "document.documentElement?.dataset.drawn === 'yes'"


@pytest.fixture(scope='module')
def browser(tmp_path_factory):
    try:
        browser = Chromium(tmp_path_factory.mktemp('profile'))
    except NoBrowser as reason:
        pytest.skip(str(reason))
    probe = tmp_path_factory.mktemp('probe') / 'probe.html'
    probe.write_text('<p>probe</p>')
    try:
        Tab(browser).open(probe, "document.querySelector('p')?.textContent === 'probe'", 15)
    except TimeoutError:
        browser.close()
        pytest.skip('the browser does not show local files')
    yield browser
    browser.close()


def opened(browser, results, folder, **screen):
    """A tab with the page of some results."""
    write_page(results, folder / 'report.html')
    tab = Tab(browser, **screen)
    tab.open(folder / 'report.html', DRAWN)
    return tab


@pytest.fixture
def open_page(browser, tmp_path):
    return lambda results, **screen: opened(browser, results, tmp_path, **screen)


@pytest.fixture(scope='module')
def kept_open(browser, tmp_path_factory):
    """Results and page of one and of three models; tests change nothing but the slider."""
    results = {'one': made_up_results(), 'three': three_models()}
    return {
        name: (found.models, opened(browser, found, tmp_path_factory.mktemp(name)))
        for name, found in results.items()
    }


@pytest.fixture
def one(kept_open):
    (model,), tab = kept_open['one']
    tab.to_front()
    return model, tab


@pytest.fixture
def three(kept_open):
    models, tab = kept_open['three']
    tab.to_front()
    return models, tab


def static_results():
    return made_up_results(static_model())


@pytest.mark.parametrize(
    'results, width, dark',
    [
        (made_up_results, 390, True),
        (three_models, 390, False),
        (imagenet_results, 1280, True),
        (two_test_sets, 1280, False),
        (evil_results, 390, False),
        (evil_results, 1280, True),
        (bare_results, 1280, False),
        (static_results, 390, True),
    ],
)
def test_it_is_drawn_without_complaint_or_request_or_overflow(open_page, results, width, dark):
    results = results()
    tab = open_page(results, width=width, dark=dark)
    assert tab.problems == []
    assert [url[:5] for url in tab.requests if not url.startswith('data:')] == ['file:']
    assert tab.value('document.documentElement.scrollWidth') == width
    charts = sum(len(model.exits) > 1 for model in results.models)
    charts += len({(model.task, model.test.sha256) for model in results.models})
    assert tab.value("document.querySelectorAll('.js-plotly-plot').length") == charts
    shown = tab.value("document.querySelector('main').innerText")
    assert 'var(--' not in shown.replace('var(--ink)', '')  # of the hostile names
    assert tab.value("document.querySelectorAll('main script, main [onerror]').length") == 0
    assert tab.value('[...document.images].every((image) => image.naturalWidth > 0)')
    paper = tab.value('getComputedStyle(document.body).backgroundColor')
    assert paper == ('rgb(21, 23, 26)' if dark else 'rgb(253, 252, 250)')
    assert tab.value("document.querySelector('.main-svg').style.background") == paper


@pytest.mark.slow
def test_ten_models_with_ten_exits_each(open_page, tmp_path):
    results = many_models()
    tab = open_page(results)
    assert (tmp_path / 'report.html').stat().st_size < 8e6
    assert tab.problems == []
    assert tab.value("document.querySelectorAll('.diagram svg').length") == 100
    assert tab.value("document.querySelectorAll('.js-plotly-plot').length") == 11
    assert layers(tab) == {'exits', 'curve', 'policies'}  # too many for bands and whiskers
    assert tab.value("document.querySelectorAll('.errorbars path').length") == 0


def set_slider(tab, position, panel=0):
    tab.value(
        f"(() => {{ const slider = document.getElementById('budget-{panel}');"
        f"slider.value = {position}; slider.dispatchEvent(new Event('input')); }})()"
    )


def readouts(tab, panel=0):
    """What the page says at the slider's budget: per model its visible text and its fields."""
    found = tab.value(
        f"""[...document.querySelectorAll('.readout[data-panel="{panel}"]')].map((box) => ({{
          text: box.innerText,
          bars: [...box.querySelectorAll('[data-share]')].map((bar) => bar.style.width),
          fields: Object.fromEntries([...box.querySelectorAll('[data-field]')].map(
            (field) => [field.dataset.field, field.textContent])),
        }}))"""
    )
    return [entry | {'text': one_line(entry['text'])} for entry in found]


def test_the_slider_moves_all_numbers_to_those_of_the_right_points(three):
    models, tab = three
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
                assert ('closed' if threshold is None else f'{threshold:.4f}') in table
            for right in point.exit_top1_percent.values():
                assert ('\N{EN DASH}' if right is None else f'{right:.1f}') in table


def test_a_measured_budget_shows_what_was_measured(one):
    model, tab = one
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


def test_the_slider_is_worked_by_keys_and_says_what_it_shows(one):
    model, tab = one
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


def dots(tab, chart):
    """Centres of the budget's dots, and the x of its line, in the overlay of a chart."""
    return tab.value(
        f"""(() => {{
          const stage = document.querySelector('[data-chart="{chart}"]').closest('.stage');
          const all = (what) => [...stage.querySelectorAll(`.overlay ${{what}}`)];
          const number = (one, name) => Number(one.getAttribute(name));
          return {{
            dots: all('circle').map((dot) => [number(dot, 'cx'), number(dot, 'cy')]),
            lines: all('.at').map((line) => number(line, 'x1')),
          }};
        }})()"""
    )


def pixel(tab, chart, x, y):
    """Where plotly itself draws a point of a chart."""
    return tab.value(
        f"""(() => {{
          const {{ xaxis, yaxis }} = document.querySelector('[data-chart="{chart}"]')._fullLayout;
          return [xaxis.l2p({x}) + xaxis._offset, yaxis.l2p({y}) + yaxis._offset];
        }})()"""
    )


def near(pixels):
    return pytest.approx(pixels, abs=0.02)  # plotly rounds


def test_the_budget_is_marked_on_the_curve_and_in_the_shares(one):
    model, tab = one
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


def layers(tab):
    data = "document.querySelector('[data-chart=curve-0]').data"
    return set(tab.value(f'{data}.map((trace) => trace.meta.layer)'))


def offered(tab):
    """Layers whose switch is shown."""
    keys = "[...document.querySelectorAll('[data-layer]:not([hidden])')]"
    return tab.value(f'{keys}.map((key) => key.dataset.layer)')


def click(tab, selector):
    tab.value(f"document.querySelector('{selector}').click()")
    tab.value('new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)))')


def test_the_axis_is_switched_to_milliseconds_and_back(one):
    model, tab = one
    title = "document.querySelector('[data-chart=curve-0]').layout.xaxis.title.text"
    assert tab.value(title) == 'Mean MMACs per image' and 'measured' not in layers(tab)
    assert offered(tab) == ['bands', 'oracle', 'random', 'policies']
    click(tab, 'input[value=ms-64]')
    assert tab.value(title) == 'Milliseconds per image, in batches of 64'
    assert 'measured' in layers(tab) and 'oracle' not in layers(tab)
    assert offered(tab) == ['bands', 'random', 'policies', 'measured']
    times = [exit.timing.ms_per_image for exit in model.latency.batches[1].exits]
    x = tab.value(
        "document.querySelector('[data-chart=curve-0]').data"
        ".find((trace) => trace.meta.layer === 'exits').x"
    )
    assert x == pytest.approx(times)
    low, high = tab.value("document.querySelector('[data-chart=curve-0]').layout.xaxis.range")
    assert low < min(times) and high > max(times)
    set_slider(tab, 16)
    point = model.points[16]
    predicted = sum(s * t for s, t in zip(point.exit_shares.values(), times, strict=True))
    marks = dots(tab, 'curve-0')
    assert marks['lines'] == []
    assert marks['dots'] == [near(pixel(tab, 'curve-0', predicted, point.top1_percent))]
    click(tab, 'input[value=macs]')
    assert tab.value(title) == 'Mean MMACs per image' and 'measured' not in layers(tab)


def test_models_and_layers_are_switched_off_but_never_all_models(open_page):
    tab = open_page(imagenet_results())
    assert {'bands', 'published', 'oracle'} <= layers(tab) and 'random' not in layers(tab)
    assert tab.value("document.querySelectorAll('.errorbars path').length") > 0
    for layer in ('bands', 'published', 'random'):
        click(tab, f'[data-layer={layer}]')
    assert 'random' in layers(tab)
    assert not {'bands', 'published'} & layers(tab)
    assert tab.value("document.querySelectorAll('.errorbars path').length") == 0
    for model in range(3):
        click(tab, f'.key[data-model="{model}"]')
    shown = tab.value(
        "[...document.querySelectorAll('.key[data-model]')].map((key) => key.ariaPressed)"
    )
    assert shown == ['false', 'false', 'true']
    data = "document.querySelector('[data-chart=curve-0]').data"
    assert tab.value(f'[...new Set({data}.map((trace) => trace.meta.model))]') == [2]
    assert tab.problems == []


def test_a_zoom_stays_until_all_is_shown_again(one):
    _, tab = one
    tab.value('scrollTo(0, 0)')
    chart = "document.querySelector('[data-chart=curve-0]')"
    ranges = f'[...{chart}.layout.xaxis.range, ...{chart}.layout.yaxis.range]'
    everything = tab.value(ranges)
    left, top = tab.value(f'(({{ left, top }}) => [left, top])({chart}.getBoundingClientRect())')
    click(tab, '[data-title=Zoom]')
    tab.drag((left + 200, top + 80), (left + 500, top + 250))
    click(tab, '[data-layer=random]')
    zoomed = tab.value(ranges)
    assert everything[0] < zoomed[0] < zoomed[1] < everything[1]
    assert everything[2] < zoomed[2] < zoomed[3] < everything[3]
    click(tab, '[data-title="Show all"]')
    click(tab, '[data-layer=random]')
    assert tab.value(ranges) == pytest.approx(everything)


def test_one_models_pictures_at_a_time(three):
    _, tab = three
    visible = "[...document.querySelectorAll('[data-gallery]')].map((one) => !one.hidden)"
    assert tab.value(visible) == [True, False, False]
    tab.value(
        "(() => { const chooser = document.querySelector('[data-gallery-chooser]');"
        "chooser.value = '2'; chooser.dispatchEvent(new Event('change')); })()"
    )
    assert tab.value(visible) == [False, False, True]


def test_names_stay_apart(open_page):
    twins = [made_up_model(name, scale=scale) for name, scale in (('a', 1.0), ('b', 1.002))]
    tab = open_page(made_up_results(*twins))
    boxes = tab.value(
        """[...document.querySelectorAll('[data-chart=curve-0] .textpoint text')]
          .map((text) => text.getBoundingClientRect())
          .map(({ left, top, right, bottom }) => [left, top, right, bottom])"""
    )
    boxes = [box for box in boxes if box[2] > box[0]]
    assert 4 <= len(boxes) <= 8
    for i, (left, top, right, bottom) in enumerate(boxes):
        for x0, y0, x1, y1 in boxes[:i]:
            overlap = min(right, x1) - max(left, x0), min(bottom, y1) - max(top, y0)
            assert min(overlap) <= 2


def test_tab_walks_through_the_page_from_top_to_bottom(open_page):
    tab = open_page(three_models())
    places, seen = [], []
    for _ in range(22):
        tab.press('Tab')
        places.append(
            tab.value('document.activeElement.getBoundingClientRect().top + window.scrollY')
        )
        seen.append(tab.value('document.activeElement.id || document.activeElement.className'))
    assert seen.index('budget-0') > max(i for i, name in enumerate(seen) if name == 'key')
    assert [place for place in places if place < 0] == []
    assert all(later >= earlier - 120 for earlier, later in pairwise(places))
    assert tab.value('document.querySelectorAll(\'[tabindex]:not([tabindex="0"])\').length') == 0
    outline = tab.value('getComputedStyle(document.activeElement).outlineStyle')
    assert outline == 'solid'


def test_the_slider_stays_in_sight_beside_what_it_moves(three):
    _, tab = three
    top = "document.querySelector('.budget').getBoundingClientRect().top"
    tab.value("document.getElementById('leaving-0').scrollIntoView()")
    assert tab.value(top) == 0
    tab.value("document.getElementById('numbers-0').scrollIntoView()")
    assert tab.value(top) < -50
