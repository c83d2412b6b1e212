"""The page as text: complete, self-contained, escaped, and true to what was measured."""

import base64
import dataclasses
import html
import re

import pytest

from benchmarks.curve_records import Gallery, GalleryPicture
from benchmarks.results import FileRecord
from dynp_plugins.errors import UserError
from reports.findings import best_saving, shown_point
from reports.page import document as page_module
from reports.page.document import page, write_page

from ..made_up_results import (
    made_up_model,
    made_up_results,
    static_model,
    three_models,
    video_models,
)
from .made_up_pages import EVIL, bare_results, evil_results, imagenet_results, two_test_sets
from .page_reader import PageReader


@pytest.fixture(scope='module')
def three():
    return three_models()


@pytest.fixture(scope='module')
def three_page(three):
    return PageReader(page(three))


def test_one_file_without_any_request(tmp_path, three):
    write_page(three, tmp_path / 'report.html')
    assert list(tmp_path.iterdir()) == [tmp_path / 'report.html']
    text = (tmp_path / 'report.html').read_text(encoding='utf-8')
    assert len(text.encode()) < 8e6
    reader = PageReader(text)
    policy = next(attrs for tag, attrs in reader.tags if 'http-equiv' in attrs)
    assert policy['http-equiv'] == 'Content-Security-Policy'
    assert policy['content'].startswith("default-src 'none';")
    assert 'http' not in policy['content']
    for _, attrs in reader.tags:
        assert attrs.get('src', 'data:').startswith('data:')
        assert re.match(r'data:|#[a-z]+(-\d+)?$', attrs.get('href', 'data:,'))
    ids = [attrs['id'] for _, attrs in reader.tags if 'id' in attrs]
    assert len(ids) == len(set(ids))
    assert {attrs['href'][1:] for tag, attrs in reader.tags if tag == 'a'} <= set(ids)
    without_plotly = text.replace(reader.scripts[2], '')
    assert len(without_plotly) < 600_000
    assert 'http:' not in without_plotly.replace('http://www.w3.org/2000/svg', '')
    assert 'https:' not in without_plotly
    assert '@import' not in without_plotly and 'url(' not in without_plotly


def test_provenance_and_exits_are_written_out(three, three_page):
    text = three_page.text
    for model in three.models:
        for record in (model.config, model.checkpoint, model.calibration, model.test):
            assert record.sha256 in text
        assert model.config.path in text and model.checkpoint.path in text
        for exit in model.exits:
            for number in (
                f'{exit.test_top1_percent:.2f}',
                f'{exit.test_top1_interval.low:.2f}\N{EN DASH}{exit.test_top1_interval.high:.2f}',
                f'{exit.test_top5_percent:.2f}',
                f'{exit.mean_class_percent:.2f}',
                f'{exit.mean_class_interval.low:.2f}\N{EN DASH}{exit.mean_class_interval.high:.2f}',
                f'{exit.calibration_top1_percent:.2f}',
                f'{2000 * exit.gmacs:.2f}',  # MFLOPs
                f'{exit.nll:.3f}',
                f'{exit.brier:.3f}',
                f'{exit.ece_percent:.1f}',
            ):
                assert number in three_page.section('exits-0')
        assert f'{model.statistics.oracle_top1_percent:.2f}' in three_page.section('exits-0')
    for expected in (three.created, three.command, three.git_commit, 'torch 2.14.1', '600 images'):
        assert expected in three_page.section('provenance')
    for expected in ('ours', 'moving average (ema)', 'geometric exit shares'):
        assert expected in three_page.section('provenance')
    for expected in ('largest class probability',):
        assert expected in three_page.section('provenance')
    assert three.timing.command in three_page.section('provenance')
    for once in (three.timing.command, three.models[0].test.sha256):
        assert text.count(once) == 1


def test_changes_from_exit_to_exit_are_not_mixed_up():
    model = made_up_model()
    exit = dataclasses.replace(
        model.exits[1], wrong_to_right_percent=12.3, right_to_wrong_percent=4.5
    )
    model.exits[1] = exit
    text = PageReader(page(made_up_results(model))).section('exits-0')
    assert re.search(r'wrong to right \(%\) right to wrong \(%\)', text)
    assert re.search(r'latent .* 12\.3 4\.5 ', text)


def test_where_numbers_come_from_is_a_column_only_if_it_differs():
    models = [made_up_model('a'), made_up_model('b', seed=1)]
    assert 'Source' not in PageReader(page(made_up_results(*models))).section('exits-0')
    models[1] = dataclasses.replace(models[1], source='released weights')
    text = PageReader(page(made_up_results(*models))).section('exits-0')
    assert 'Source' in text and 'released weights' in text


def test_all_budgets_are_in_numbers(three, three_page):
    text = three_page.section('numbers-0')
    for model in three.models:
        point = model.points[20]
        numbers = [
            f'{1000 * point.target_gmacs:.2f}',
            f'{1000 * point.calibration_gmacs_mean:.2f}',
            f'{1000 * point.gmacs_mean:.2f}',
            f'{1000 * point.gmacs_interval.low:.2f}\N{EN DASH}'
            f'{1000 * point.gmacs_interval.high:.2f}',
            f'{point.calibration_top1_percent:.2f}',
            f'{point.top1_percent:.2f}',
            f'{point.top1_interval.low:.2f}\N{EN DASH}{point.top1_interval.high:.2f}',
            f'{point.random_top1_percent:.2f}',
            *(f'{100 * share:.1f}' for share in point.exit_shares.values()),
            *(f'{right:.1f}' for right in point.exit_top1_percent.values()),
            *(f'{threshold:.4f}' for threshold in point.thresholds.values()),
        ]
        assert ' '.join(numbers) in text


def test_the_title_is_what_the_data_say():
    reader = PageReader(page(made_up_results()))
    assert re.search(r'\d+ % of the full network\u2019s accuracy at \d+ % of its MACs', reader.text)
    (ring,) = reader.curve('ring')
    assert len(ring['x']) == 1 and 'The budget that the title speaks of' in reader.text
    cost, full = ring['x'][0], reader.curve('exits')[0]['x'][-1]
    percent = re.search(r'at (\d+) % of its MACs', reader.text).group(1)
    assert 0 <= int(percent) / 100 - cost / full < 0.01


def test_what_is_not_known_is_left_out_or_said():
    reader = PageReader(page(bare_results()))
    assert 'not run from a checkout' in reader.text
    assert '\N{EN DASH}' in reader.section('exits-0')  # in place of top-5
    for name in ('gallery-0', 'latency-0', 'policies-0', 'compared-0'):
        assert reader.section(name) is None
    assert 'as sure as' not in reader.text and 'ms,' not in reader.text
    assert list(reader.charts['curve-0']['axes']) == ['macs']


def test_no_sentence_of_one_budget_stands_above_charts_that_follow_the_slider(three_page):
    assert 'leave before the last exit' not in three_page.section('leaving-0')
    alone = PageReader(page(made_up_results())).section('leaving-0')
    assert 'leave before the last exit' in alone


def test_the_gallery_says_why_it_shows_its_budget(three_page):
    assert 'spreads the calibration images most evenly over the exits' in three_page.section(
        'gallery-0'
    )


def test_the_top_says_how_many_were_tested_and_how_sure_each_finding_is(three, three_page):
    text = three_page.text.replace('\xa0', ' ')
    assert 'classification \xb7 embedded digits \xb7 1,000 test images' in text
    for model in three.models:
        point, interval = shown_point(model), shown_point(model).top1_interval
        said = f'{point.top1_percent:.1f} %, 95 %: {interval.low:.1f} to {interval.high:.1f}'
        assert (f'({said})' in text) == (best_saving(model) is not None)
    assert any(map(best_saving, three.models))


def test_nothing_is_called_by_its_identifier(three_page):
    for identifier in ('max_softmax', 'risk_control', 'p_value', 'geometric,'):
        assert identifier not in three_page.text
        assert not any(identifier in str(trace) for trace in three_page.curve('policies'))


def test_every_string_is_escaped():
    text = page(evil_results())
    reader = PageReader(text)
    tags = [tag for tag, _ in reader.tags]
    assert tags.count('script') == 4
    assert not any(key.startswith('on') for _, attrs in reader.tags for key in attrs)
    for tag, attrs in reader.tags:
        assert tag != 'img' or attrs['src'].startswith('data:image/')
    assert ''.join(reader.shown).count(EVIL) > 30
    assert '<img src=x' not in text.replace(reader.scripts[2], '')
    # plotly reads HTML in texts, so these are escaped once more inside the JSON
    (exits,) = reader.curve('exits')
    assert html.unescape(exits['text'][0]).startswith('</script>')
    for trace in reader.charts['curve-0']['data'] + reader.charts['leaving-0-0']['data']:
        strings = [trace.get('name', ''), *trace.get('text', []), *trace.get('customdata', [])]
        for string in strings:
            assert not re.search(r'<(?!/?b>|br>)', string)
        assert 'alert' not in trace.get('hovertemplate', '')


def test_bytes_that_are_no_utf8_do_not_stop_the_report(tmp_path):
    model = made_up_model(config=FileRecord('caf\udce9.py', '0' * 64))
    write_page(made_up_results(model, command='x \udce9'), tmp_path / 'report.html')
    assert 'caf\ufffd.py' in (tmp_path / 'report.html').read_text(encoding='utf-8')


def test_numbers_that_are_none_do_not_stop_the_charts():
    model = made_up_model()
    model.points[3] = dataclasses.replace(model.points[3], random_top1_percent=float('nan'))
    (line,) = PageReader(page(made_up_results(model))).curve('random')
    assert line['y'][3] is None and None not in line['y'][:3]


def test_models_on_different_test_sets_share_no_chart(three_page):
    reader = PageReader(page(two_test_sets()))
    assert 'accuracies on different samples do not compare' in reader.text
    names = {
        panel: [model['name'] for model in budgets['models']]
        for panel, budgets in enumerate(reader.budgets)
    }
    assert names == {
        0: ['dyn-perceiver_regnety-tiny', 'resnet18_narrow'],
        1: ['tsm_dyn-perceiver'],
    }
    assert reader.charts['curve-0']['axes']['macs'] == 'Mean MMACs per image'
    assert reader.charts['curve-1']['axes']['macs'] == 'Mean GMACs per video'
    assert 'tsm_dyn-perceiver reaches' in reader.section('panel-1')
    assert '240 test videos' in reader.section('panel-1')
    assert reader.section('compared-0') and reader.section('compared-1') is None
    assert 'different samples' not in three_page.text


def all_texts(reader):
    """Everything that a reader may see or hear, texts of charts and of the slider included."""
    attributes = (
        value
        for _, attrs in reader.tags
        for name, value in attrs.items()
        if name in ('alt', 'title', 'aria-label', 'content')
    )
    return ' '.join([reader.text, *attributes, *reader.scripts[:2]])


def test_a_page_of_videos_speaks_of_videos_alone():
    reader = PageReader(page(video_models()))
    text = all_texts(reader)
    assert re.findall(r'.{20}\b(?:image|picture)s?\b', text, re.IGNORECASE) == []
    for said in ('per video', 'every video', 'test videos', 'videos leave', 'one video at a time'):
        assert said in text
    assert 'action recognition \xb7 gestures \xb7 1,000 test videos' in reader.text
    assert reader.charts['curve-0']['axes']['macs'] == 'Mean GMACs per video'
    assert reader.charts['leaving-0-0']['layout']['yaxis']['title']['text'] == 'Test videos (%)'


def test_a_page_of_images_speaks_of_images_alone(three_page):
    text = all_texts(three_page)
    assert re.findall(r'.{20}\b(?:video|frame|clip)s?\b', text, re.IGNORECASE) == []
    assert 'Test images (%)' in text and 'Mean MMACs per image' in text


def test_frames_are_counted_and_views_multiply_them():
    said = 'MACs per video count all 16 frames of 3x64x64: 2 views of 8 (test-time clips and crops'
    reader = PageReader(page(video_models()))
    assert reader.text.count(said) == 2  # at the top, and where reading is explained
    assert '16 frames of 3x64x64: 2 views of 8 (channels' in reader.section('provenance')
    once = PageReader(page(video_models(frames=8))).text
    assert once.count('MACs per video count all 8 frames of 3x64x64.') == 2
    assert 'views' not in once and '8 frames of 3x64x64 (channels' in once
    both = PageReader(page(two_test_sets()))
    assert 'frames' not in both.section('panel-0')
    assert 'MACs per video count all 8 frames' in both.section('panel-1')


def test_the_top_of_a_page_names_every_task():
    text = PageReader(page(two_test_sets())).text
    assert 'Accuracy against compute \xb7 classification, action recognition \xb7' in text


def test_mean_class_accuracy_stands_beside_top5():
    reader = PageReader(page(made_up_results()))
    text = reader.section('exits-0')
    assert 'top-5 (%) test mean class (%) test 95 % top-1 (%) calibration' in text
    exit = made_up_model().exits[1]
    interval = exit.mean_class_interval
    assert (
        f'{exit.test_top5_percent:.2f} {exit.mean_class_percent:.2f} '
        f'{interval.low:.2f}\N{EN DASH}{interval.high:.2f} {exit.calibration_top1_percent:.2f}'
    ) in text
    assert 'gives every class the same weight, however many test images it has' in text
    (marks,) = reader.curve('exits')
    assert f'mean class accuracy {exit.mean_class_percent:.2f} %' in marks['customdata'][1]


def test_comparisons_name_the_models_of_their_panel():
    video = made_up_model('video', task='action recognition')
    models = [made_up_model('one'), video, made_up_model('two', scale=2.0, seed=1)]
    text = PageReader(page(made_up_results(*models))).section('compared-0')
    assert 'one' in text and 'two' in text and 'video' not in text


def test_published_curves_are_a_layer_with_its_source():
    reader = PageReader(page(imagenet_results()))
    published = reader.curve('published')
    assert len(published) > 3
    for trace in published:
        assert trace['line']['color'] == 'var(--muted)'
        assert all('published: ' in text and 'arXiv' in text for text in trace['customdata'])
    lines = [trace['line']['dash'] for trace in published if 'lines' in trace['mode']]
    assert len(set(lines)) == len(lines) > 3
    assert 'not measured here' in reader.text
    for expected in ('upper envelope over models', 'released models; columns', '1.065: 78.32'):
        assert expected in reader.text.replace('\xa0', ' ')
    assert any('1.065 GMACs' in text for trace in published for text in trace['customdata'])
    toggles = [attrs.get('data-layer') for tag, attrs in reader.tags if tag == 'button']
    assert 'published' in toggles
    digits = PageReader(page(made_up_results()))
    assert digits.curve('published') == [] and 'published' not in digits.text


def test_a_static_network_alone_and_beside_another():
    alone = PageReader(page(made_up_results(static_model())))
    assert alone.section('leaving-0') is None and 'has a single exit' in alone.text
    assert all(tag != 'input' or a['type'] != 'range' for tag, a in alone.tags)
    both = PageReader(page(made_up_results(made_up_model('ours'), static_model())))
    assert 'ours' in both.section('leaving-0') and 'static' not in both.section('leaving-0')
    assert 'trained on embedded digits for 8 epochs with AdamW' in both.text
    training = 'embedded digits, 8 epochs, AdamW, learning rate 0.004, batch 64'
    assert training in both.section('provenance')


def test_too_many_pictures_become_fewer(monkeypatch):
    model = made_up_model()
    heavy = 'data:image/png;base64,' + base64.b64encode(bytes(40_000)).decode()
    pictures = [
        GalleryPicture(exit.name, i, '', 'a', 'a', True, 0.9, 1, heavy)
        for exit in model.exits
        for i in range(8)
    ]
    gallery = Gallery(model.points[16].target_gmacs, pictures)
    results = made_up_results(dataclasses.replace(model, gallery=gallery))
    monkeypatch.setattr(page_module, 'get_plotlyjs', str)
    monkeypatch.setattr(page_module, 'PICTURES_PER_EXIT', (8, 4, 0))

    def count():
        text = page(results)
        return text.count(heavy), len(text)

    assert count()[0] == 4 * 8
    without = count()[1] - 4 * 8 * len(heavy)
    monkeypatch.setattr(page_module, 'MOST_BYTES', without + 4 * 5 * len(heavy))
    shown, size = count()
    assert shown == 4 * 4 and size <= page_module.MOST_BYTES
    monkeypatch.setattr(page_module, 'MOST_BYTES', without)
    assert count()[0] == 0


def test_no_curve_no_page(tmp_path):
    with pytest.raises(UserError, match='no exits'):
        write_page(made_up_results(made_up_model(exits=[])), tmp_path / 'report.html')
    assert list(tmp_path.iterdir()) == []
