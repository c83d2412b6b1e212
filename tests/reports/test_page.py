"""The page: complete, self-contained, escaped; and drawn without errors where a browser is."""

import dataclasses
import html
import json
import re
import shutil
import subprocess
from html.parser import HTMLParser

import pytest

from benchmarks.results import FileRecord, SplitRecord
from dynp_plugins.errors import UserError
from reports.page import page, write_page

from .made_up_results import made_up_model, made_up_results, three_models

EVIL = '</script><script>alert(1)</script><img src=x onerror=alert(2)>"\'&amp; %{x} var(--ink)'


class Reader(HTMLParser):
    """Collects tags with their attributes, the text of scripts, and the text that is shown."""

    def __init__(self, text):
        super().__init__()
        self.tags, self.scripts, self.shown, self._open = [], [], [], None
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))
        self._open = tag if tag in ('script', 'style') else None
        if tag == 'script':
            self.scripts.append('')

    def handle_endtag(self, tag):
        self._open = None

    def handle_data(self, data):
        if self._open == 'script':
            self.scripts[-1] += data
        elif self._open is None:
            self.shown.append(data)

    @property
    def text(self):
        return ' '.join(''.join(self.shown).replace('\xa0', ' ').split())

    @property
    def charts(self):
        return json.loads(self.scripts[0])


def evil_results():
    """Everything that is a string is hostile."""
    exit_gmacs = {f'{EVIL}{k}': g for k, g in enumerate((4e-3, 8e-3))}
    model = made_up_model(
        EVIL,
        exit_gmacs=exit_gmacs,
        source=EVIL,
        task=EVIL,
        dataset=EVIL,
        weights=EVIL,
        confidence=EVIL,
        config=FileRecord(EVIL, EVIL),
        checkpoint=FileRecord(EVIL, EVIL),
        calibration=SplitRecord(EVIL, 600, EVIL),
        test=SplitRecord(EVIL, 1000, EVIL),
    )
    return made_up_results(
        model, made_up_model(), created=EVIL, command=EVIL, versions={EVIL: EVIL}, git_commit=EVIL
    )


@pytest.fixture(scope='module')
def three():
    return three_models()


@pytest.fixture(scope='module')
def three_page(three):
    return Reader(page(three))


def test_one_file_without_any_request(tmp_path, three):
    write_page(three, tmp_path / 'report.html')
    assert list(tmp_path.iterdir()) == [tmp_path / 'report.html']
    text = (tmp_path / 'report.html').read_text(encoding='utf-8')
    assert len(text.encode()) < 8e6
    reader = Reader(text)
    policy = next(attrs for tag, attrs in reader.tags if 'http-equiv' in attrs)
    assert policy['http-equiv'] == 'Content-Security-Policy'
    assert policy['content'].startswith("default-src 'none';")
    assert 'http' not in policy['content']
    for _, attrs in reader.tags:
        assert 'src' not in attrs
        assert attrs.get('href', 'data:,') == 'data:,'
    without_plotly = text.replace(reader.scripts[1], '')
    assert len(without_plotly) < 500_000
    assert 'http:' not in without_plotly and 'https:' not in without_plotly
    assert '@import' not in without_plotly and 'url(' not in without_plotly


def test_charts_hold_the_measured_numbers(three, three_page):
    curve = three_page.charts['curve']
    assert len(curve['data']) == 6
    for i, model in enumerate(three.models):
        line, marks = curve['data'][2 * i : 2 * i + 2]
        assert line['x'] == [1000 * point.gmacs_mean for point in model.points]
        assert line['y'] == [point.top1_percent for point in model.points]
        assert marks['y'] == [exit.test_top1_percent for exit in model.exits]
        assert marks['text'] == [exit.name for exit in model.exits]
        areas = three_page.charts[f'leaving-{i}']['data']
        assert [area['name'] for area in areas] == [exit.name for exit in model.exits]
        for heights in zip(*(area['y'] for area in areas), strict=True):
            assert sum(heights) == pytest.approx(100)


def test_hover_tells_all_about_a_budget(three, three_page):
    point = three.models[0].points[10]
    text = three_page.charts['curve']['data'][0]['customdata'][10]
    for expected in (
        f'target {1000 * point.target_gmacs:.2f} MMACs',
        f'{1000 * point.gmacs_mean:.2f} MMACs on average',
        f'{point.top1_percent:.2f} %',
        f'early: {100 * point.exit_shares["early"]:.1f} %',
        f'threshold {point.thresholds["early"]:.4f}',
        f'merged: {100 * point.exit_shares["merged"]:.1f} %',
    ):
        assert expected in text
    assert 'latent: 0.0 %, closed' in three_page.charts['curve']['data'][0]['customdata'][0]


def test_the_title_is_what_the_data_say():
    reader = Reader(page(made_up_results()))
    assert re.search(r'\d+ % of the full network\u2019s accuracy at \d+ % of its MACs', reader.text)
    ring = reader.charts['curve']['data'][2]
    assert len(ring['x']) == 1 and 'The budget that the title speaks of' in reader.text
    cost, full = ring['x'][0], reader.charts['curve']['data'][1]['x'][-1]
    percent = re.search(r'at (\d+) % of its MACs', reader.text).group(1)
    assert 0 <= int(percent) / 100 - cost / full < 0.01


def test_provenance_and_exits_are_written_out(three, three_page):
    text = three_page.text
    for model in three.models:
        for record in (model.config, model.checkpoint, model.calibration, model.test):
            assert record.sha256 in text
        assert model.config.path in text and model.checkpoint.path in text
        for exit in model.exits:
            assert f'{exit.test_top1_percent:.2f}' in text
            assert f'{exit.calibration_top1_percent:.2f}' in text
            assert f'{2000 * exit.gmacs:.2f}' in text  # MFLOPs
    for expected in (three.created, three.command, three.git_commit, 'torch 2.14.1', '600 images'):
        assert expected in text
    assert 'ours' in text and 'moving average (ema)' in text


def test_what_is_unknown_is_said():
    results = made_up_results(made_up_model(), git_commit=None)
    exit = results.models[0].exits[0]
    results.models[0].exits[0] = type(exit)(**(vars(exit) | {'test_top5_percent': None}))
    reader = Reader(page(results))
    assert 'not run from a checkout' in reader.text
    assert '\u2013' in reader.text


def test_every_string_is_escaped():
    text = page(evil_results())
    reader = Reader(text)
    tags = [tag for tag, _ in reader.tags]
    assert tags.count('script') == 3 and 'img' not in tags
    assert not any(key.startswith('on') for _, attrs in reader.tags for key in attrs)
    assert EVIL in ''.join(reader.shown)
    assert '<img' not in text.replace(reader.scripts[1], '')
    # plotly reads HTML in texts, so these are escaped once more inside the JSON
    curve = reader.charts['curve']['data']
    assert html.unescape(curve[1]['text'][0]).startswith('</script>')
    for trace in curve + reader.charts['leaving-0']['data']:
        strings = [trace.get('name', ''), *trace.get('text', []), *trace.get('customdata', [])]
        for string in strings:
            assert not re.search(r'<(?!/?b>|br>)', string)
        assert 'alert' not in trace['hovertemplate']


def test_bytes_that_are_no_utf8_do_not_stop_the_report(tmp_path):
    model = made_up_model(config=FileRecord('caf\udce9.py', '0' * 64))
    write_page(made_up_results(model, command='x \udce9'), tmp_path / 'report.html')
    assert 'caf?.py' in (tmp_path / 'report.html').read_text(encoding='utf-8')


def test_different_test_images_are_warned_of(three_page):
    other = made_up_model('other', test=SplitRecord('test', 10, 'e' * 64))
    reader = Reader(page(made_up_results(made_up_model(), other)))
    assert 'tested on different images' in reader.text
    assert 'different images' not in three_page.text


def test_no_curve_no_page(tmp_path):
    with pytest.raises(UserError, match='no exits'):
        write_page(made_up_results(made_up_model(exits=[])), tmp_path / 'report.html')
    assert list(tmp_path.iterdir()) == []


@pytest.fixture
def dump(tmp_path):
    """Renders a local file in a headless browser: (its document afterwards, console lines)."""
    names = ('chromium', 'chromium-browser', 'google-chrome', 'google-chrome-stable', 'chrome')
    program = next(filter(None, map(shutil.which, names)), None)
    if program is None:
        pytest.skip('no Chromium on the PATH')

    def run(path):
        done = subprocess.run(
            [
                program,
                '--headless',
                '--no-sandbox',
                '--disable-gpu',
                '--enable-logging=stderr',
                '--virtual-time-budget=10000',
                f'--user-data-dir={tmp_path / "profile"}',
                '--dump-dom',
                path.as_uri(),
            ],
            capture_output=True,
            text=True,
            encoding='utf-8',
            timeout=120,
        )
        return done.stdout, [line for line in done.stderr.splitlines() if 'CONSOLE' in line]

    probe = tmp_path / 'probe.html'
    probe.write_text('<p>probe</p><script>console.log("heard")</script>')
    document, console = run(probe)
    if '<p>probe</p>' not in document or not console:
        pytest.skip('the browser does not show local files')
    return run


@pytest.mark.parametrize('results', [made_up_results, three_models, evil_results])
def test_a_browser_draws_it_without_errors(tmp_path, dump, results):
    results = results()
    write_page(results, tmp_path / 'report.html')
    document, console = dump(tmp_path / 'report.html')
    assert console == []
    assert re.search(r'<html[^>]* data-drawn="yes"', document)
    body = document[document.index('<body') :]
    assert body.count('class="main-svg"') >= 1 + len(results.models)
    shown = re.sub(r'(?s)<script.*?</script>', '', body)
    assert '<img' not in shown and 'var(--series-0)' not in re.sub(r'style="[^"]*"', '', shown)
    for model in results.models:
        for exit in model.exits:
            assert html.escape(exit.name[:9], quote=False) in shown


def test_a_static_network_has_no_chart_of_leaving(tmp_path):
    static = made_up_model('static', exit_gmacs={'final': 12e-3})
    static = dataclasses.replace(static, points=static.points[:1])
    alone, both = made_up_results(static), made_up_results(made_up_model('ours'), static)
    assert 'leave at each exit' not in page(alone)
    text = page(both)
    assert 'leave at each exit of ours' in text and 'leave at each exit of static' not in text
    assert 'trained on embedded digits for 8 epochs with AdamW' in text
    assert 'embedded digits, 8 epochs, AdamW, learning rate 0.004, batch 64' in text
