"""The page in a real headless browser: drawn without complaint; its controls work."""

from itertools import pairwise

import pytest

from ..made_up_detectors import coco_detector, made_up_detection, three_detectors
from ..made_up_results import (
    made_up_model,
    made_up_results,
    static_model,
    three_models,
    video_models,
)
from .driven_page import click, dots, layers, near, offered, open_all_tabs, pixel, set_slider
from .made_up_pages import (
    bare_results,
    evil_results,
    imagenet_results,
    many_models,
    two_test_sets,
)


def static_results():
    return made_up_results(static_model())


def coco_results():
    return made_up_detection(coco_detector(), models=[made_up_model()])


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
        (video_models, 390, True),
        (three_detectors, 390, True),
        (coco_results, 1280, False),
    ],
)
def test_it_is_drawn_without_complaint_or_request_or_overflow(open_page, results, width, dark):
    results = results()
    tab = open_page(results, width=width, dark=dark)
    assert tab.problems == []
    assert [url[:5] for url in tab.requests if not url.startswith('data:')] == ['file:']
    assert tab.value('document.documentElement.scrollWidth') == width
    charts = sum(len(model.exits) > 1 for model in results.models)
    models = [*results.models, *results.detectors]
    charts += len({(model.task, model.test.sha256) for model in models})
    open_all_tabs(tab)
    assert tab.problems == []
    assert tab.value('document.documentElement.scrollWidth') == width
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


def test_the_axis_is_switched_to_milliseconds_and_back(page_of_one):
    model, tab = page_of_one
    title = "document.querySelector('[data-chart=curve-0]').layout.xaxis.title.text"
    assert tab.value(title) == 'Mean MMACs per image' and 'measured' not in layers(tab)
    assert offered(tab) == ['bands', 'oracle', 'random', 'policies']
    click(tab, 'input[value=ms-64]')
    assert tab.value(title) == 'ms per image, in batches of 64; lines are predicted'
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


def test_a_zoom_stays_until_all_is_shown_again(page_of_one):
    _, tab = page_of_one
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


def test_one_models_pictures_at_a_time(page_of_three):
    _, tab = page_of_three
    visible = "[...document.querySelectorAll('[data-gallery]')].map((one) => !one.hidden)"
    assert tab.value(visible) == [True, False, False]
    tab.value(
        "(() => { const chooser = document.querySelector('[data-gallery-chooser]');"
        "chooser.value = '2'; chooser.dispatchEvent(new Event('change')); })()"
    )
    assert tab.value(visible) == [False, False, True]


@pytest.mark.parametrize('width', [1280, 390])
def test_strips_of_videos_keep_their_shape_and_do_not_leave_their_tile(open_page, width):
    tab = open_page(video_models(latency=False), width=width)
    strips = tab.value(
        """[...document.querySelectorAll('[data-gallery]:not([hidden]) .frame img')].map((img) => {
          const [shown, frame, tiles] = [img, img.closest('.frame'), img.closest('.tiles')]
            .map((one) => one.getBoundingClientRect());
          return [shown.width, shown.height, img.naturalWidth, img.naturalHeight,
            frame.height - shown.height, tiles.right - shown.right, img.classList.contains('tiny')];
        })"""
    )
    assert len(strips) == 4 * 3
    for shown_width, height, natural_width, natural_height, around, room, tiny in strips:
        assert (natural_width, natural_height) == (4 * 64, 64)
        assert shown_width / height == pytest.approx(4, rel=0.02)
        assert 250 < shown_width <= 340 and 0 <= around < 4 and room >= 0 and not tiny


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
