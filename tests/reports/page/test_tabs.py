"""One tab per task: its markup, and how it works in a real headless browser."""

import re
import time

import pytest

from benchmarks.results import SplitRecord
from reports.page import document as page_module
from reports.page.document import page

from ..made_up_detectors import made_up_detection, made_up_detector, three_detectors
from ..made_up_results import made_up_model, three_models, video_fields
from .driven_page import click, opened
from .page_reader import PageReader


def three_tasks():
    """Two classifiers, a recogniser, and detectors on two test sets."""
    switches = {'operating_points': False, 'latency': False}
    other = SplitRecord('test', 72, 'e' * 64)
    return made_up_detection(
        made_up_detector('scenes'),
        made_up_detector('cells', test=other, dataset='bccd', classes=('RBC', 'WBC')),
        models=[
            made_up_model('one', **switches),
            made_up_model('two', seed=1, **switches),
            made_up_model('video', **video_fields(), **switches),
        ],
    )


@pytest.fixture
def reader(monkeypatch):
    monkeypatch.setattr(page_module, 'get_plotlyjs', str)
    return PageReader(page(three_tasks()))


def having(reader, **attributes):
    """Attributes of the tags with these ones."""
    return [
        attrs
        for _, attrs in reader.tags
        if all(attrs.get(key.replace('_', '-')) == value for key, value in attributes.items())
    ]


def test_a_tab_per_task_each_with_its_panel(reader):
    assert len(having(reader, role='tablist')) == 1
    tabs, sheets = having(reader, role='tab'), having(reader, role='tabpanel')
    assert [tab['aria-controls'] for tab in tabs] == [sheet['id'] for sheet in sheets]
    assert [sheet['aria-labelledby'] for sheet in sheets] == [tab['id'] for tab in tabs]
    assert [tab['aria-selected'] for tab in tabs] == ['true', 'false', 'false']
    names = ['Image classification', 'Action recognition', 'Object detection']
    assert [reader.section(tab['id']) for tab in tabs] == names
    for name, sheet in zip(names, sheets, strict=True):
        assert reader.section(sheet['id']).startswith(name)  # on paper, and without scripts
    assert not any('hidden' in sheet for sheet in sheets)  # without scripts all is shown
    assert all(re.match(r'data:|#[a-z]+(-\d+)?$', a.get('href', '#a')) for _, a in reader.tags)
    ids = [attrs['id'] for _, attrs in reader.tags if 'id' in attrs]
    assert len(ids) == len(set(ids))
    links = {attrs['href'][1:] for tag, attrs in reader.tags if tag == 'a'}
    assert links <= set(ids) and {'made-0', 'made-2', 'curve-3', 'gallery-2'} <= links


def test_test_sets_of_one_task_stay_below_each_other_in_its_tab(reader):
    sheet = reader.section('task-2')
    assert sheet.index('300 test images') < sheet.index('72 test images')
    assert 'scenes' in reader.section('panel-2') and 'cells' in reader.section('panel-3')
    assert reader.section('panel-2') in sheet and reader.section('panel-3') in sheet
    assert [data['chart'] for data in reader.budgets] == [f'curve-{k}' for k in range(4)]


def test_each_tab_says_how_its_own_numbers_were_made(reader):
    results = three_tasks()
    made = [reader.section(f'made-{k}') for k in range(3)]
    for model in results.models:
        k = 0 if model.task == 'classification' else 1
        assert [model.config.sha256 in text for text in made] == [i == k for i in range(3)]
    for detector in results.detectors:
        assert [detector.config.sha256 in text for text in made] == [False, False, True]
    assert ['thresholds were chosen' in text for text in made] == [True, True, False]
    assert ['bootstrap over the test images' in text for text in made] == [False, False, True]
    run = reader.section('provenance')
    assert results.command in run and results.models[0].config.sha256 not in run
    assert 'Trained on gestures for 50 epochs' in reader.section('panel-1')
    assert 'trained on' not in reader.text.split('Image classification')[0]


def test_no_heading_is_more_than_one_level_below_the_one_it_belongs_to(reader):
    headings = [
        (tag, attrs.get('id')) for tag, attrs in reader.tags if re.match(r'h\d$|section$', tag)
    ]
    for place in ('made-0', 'made-2'):
        at = headings.index(('section', place))
        title, *cards = [tag for tag, _ in headings[at + 1 : at + 4]]
        assert (title, cards[0]) == ('h3', 'h4')
    after = headings[headings.index(('section', 'provenance')) + 1 :]
    assert [tag for tag, _ in after] == ['h2', 'h3']


def test_one_task_has_no_tabs(monkeypatch):
    monkeypatch.setattr(page_module, 'get_plotlyjs', str)
    for results in (three_models(), three_detectors()):
        reader = PageReader(page(results))
        assert having(reader, role='tablist') == having(reader, role='tabpanel') == []
        assert reader.section('made-0') is None


@pytest.fixture(scope='module')
def tabbed(browser, tmp_path_factory):
    """An open page of three tasks; tests leave it at any tab."""
    folder = tmp_path_factory.mktemp('tabbed')
    tab = opened(browser, three_tasks(), folder)
    return tab, folder / 'report.html'


def shown(tab):
    """Which tabs are open, which are selected, which take the focus, and the address' place."""
    return tab.value(
        """[
          [...document.querySelectorAll('.tab')].map((one) => one.clientHeight > 0),
          [...document.querySelectorAll('[role=tab]')].map((one) => one.ariaSelected === 'true'),
          [...document.querySelectorAll('[role=tab]')].map((one) => one.tabIndex === 0),
          location.hash,
        ]"""
    )


def only(k):
    return [i == k for i in range(3)]


def widths(tab, sheet):
    """Of the charts in a tab: as drawn, and of the room there is."""
    found = f"[...document.querySelectorAll('#{sheet} [data-chart]')]"
    pairs = f'{found}.map((one) => [one._fullLayout?.width, one.clientWidth])'
    end = time.monotonic() + 20
    while any(drawn is None for drawn, _ in tab.value(pairs)) and time.monotonic() < end:
        time.sleep(0.05)
    return tab.value(pairs)


def test_a_tab_opens_and_its_charts_have_the_right_size(tabbed):
    tab, _ = tabbed
    tab.to_front()
    assert shown(tab)[:3] == [only(0)] * 3
    drawn = "document.querySelectorAll('#task-2 .js-plotly-plot').length"
    assert tab.value(drawn) == 0  # it has no size while it is closed
    click(tab, '#tab-2')
    assert shown(tab) == [only(2)] * 3 + ['#task-2']
    sizes = widths(tab, 'task-2')
    assert len(sizes) == 2 and all(drawn == room > 700 for drawn, room in sizes)
    assert tab.value("document.querySelectorAll('#task-2 .overlay .at').length") == 2
    assert tab.problems == []


def test_arrow_keys_go_round(tabbed):
    tab, _ = tabbed
    tab.to_front()
    click(tab, '#tab-0')
    tab.value("document.getElementById('tab-0').focus()")
    for key, k in (('ArrowRight', 1), ('ArrowLeft', 0), ('ArrowLeft', 2), ('Home', 0), ('End', 2)):
        tab.press(key)
        assert shown(tab)[:3] == [only(k)] * 3
        assert tab.value('document.activeElement.id') == f'tab-{k}'


def test_a_link_to_a_place_in_a_closed_tab_opens_it(tabbed):
    tab, _ = tabbed
    tab.to_front()
    click(tab, '#tab-0')
    tab.value("location.hash = '#numbers-3'")
    end = time.monotonic() + 10
    while shown(tab)[0] != only(2) and time.monotonic() < end:
        time.sleep(0.05)
    assert shown(tab)[:3] == [only(2)] * 3
    top = tab.value("document.getElementById('numbers-3').getBoundingClientRect().top")
    assert -1 < top < 400
    tab.value("location.hash = '#provenance'")  # outside of all tabs: nothing changes
    assert shown(tab)[0] == only(2)


def test_an_address_with_a_task_shows_its_tab_too(tabbed):
    tab, path = tabbed
    tab.to_front()

    class Place:
        def as_uri(self):
            return f'{path.as_uri()}?reloaded#task-1'

    tab.open(Place(), "document.documentElement?.dataset.drawn === 'yes'")
    assert shown(tab)[:3] == [only(1)] * 3
    top = tab.value("document.getElementById('tab-1').getBoundingClientRect().top")
    assert -1 < top < 800


def test_an_address_with_a_place_opens_its_tab_and_paper_shows_all(tabbed):
    tab, path = tabbed
    tab.to_front()

    class Place:
        def as_uri(self):
            return f'{path.as_uri()}?again#curve-2'

    tab.open(Place(), "document.documentElement?.dataset.drawn === 'yes'")
    assert shown(tab)[:3] == [only(2)] * 3
    tab.value("dispatchEvent(new Event('beforeprint'))")
    assert shown(tab)[0] == [True] * 3
    assert all(drawn in (680, 400, 330) for k in range(3) for drawn, _ in widths(tab, f'task-{k}'))
    tab.value("dispatchEvent(new Event('afterprint'))")
    assert shown(tab)[0] == only(2)
    assert all(drawn == room for drawn, room in widths(tab, 'task-2'))
