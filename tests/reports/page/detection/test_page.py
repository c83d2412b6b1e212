"""Detectors on the page as text: complete, escaped, and true to what was measured."""

import base64
import dataclasses
import html
import json
import re

import pytest

from benchmarks.detection_records import DetectionGallery
from benchmarks.results import FileRecord, SplitRecord, TrainingRecord
from reports.page import document as page_module
from reports.page.document import page
from reports.page.numbers import significant

from ...made_up_detectors import (
    NO_METRICS,
    coco_detector,
    made_up_detection,
    made_up_detector,
    three_detectors,
)
from ..made_up_pages import EVIL
from ..page_reader import PageReader

DASH = '\N{EN DASH}'


@pytest.fixture(autouse=True)
def quick(monkeypatch):
    """Without the 4.6 MB of plotly."""
    monkeypatch.setattr(page_module, 'get_plotlyjs', str)


@pytest.fixture(scope='module')
def three():
    return three_detectors()


@pytest.fixture
def three_page(three):
    return PageReader(page(three))


def test_a_page_of_detectors_alone(three, three_page):
    text = three_page.text
    assert 'object detection \xb7 embedded scenes \xb7 300 test images' in text
    assert 'retinanet_dyn-perceiver is ahead of both others' in text
    assert list(three_page.charts) == ['curve-0']
    for section in ('curve-0', 'compared-0', 'gallery-0', 'numbers-0', 'classes-0', 'provenance'):
        assert three_page.section(section) is not None
    for section in ('exits-0', 'leaving-0', 'latency-0', 'policies-0'):
        assert three_page.section(section) is None
    for word in ('top-1', 'Top-1', 'exit', 'threshold for'):
        assert word not in text.replace('early exit', '')
    for detector in three.detectors:
        best = detector.points[3]
        said = f'{best.test.map_percent:.1f} %'
        assert f'{detector.name}: mAP {said} (95 %: ' in text.replace('( ', '(')


def test_every_scale_is_in_numbers(three, three_page):
    text = three_page.section('numbers-0')
    for detector in three.detectors:
        for point in detector.points:
            test = point.test
            row = [
                *(f'{part.gmacs_mean:.3f}' for part in point.parts),
                f'{point.gmacs_mean:.3f}',
                f'{point.gmacs_std:.3f}',
                f'{point.parts[0].with_norm_gmacs_mean:.3f}',
                f'{test.map_percent:.2f}',
                f'{point.map_interval.low:.2f}{DASH}{point.map_interval.high:.2f}',
                f'{test.ap50_percent:.2f}',
                f'{point.ap50_interval.low:.2f}{DASH}{point.ap50_interval.high:.2f}',
                f'{test.ap75_percent:.2f}',
                f'{test.ap_small_percent:.2f}',
                f'{test.ap_medium_percent:.2f}',
                f'{test.ap_large_percent:.2f}',
                f'{point.calibration.map_percent:.2f}',
                f'{point.calibration_gmacs_mean:.3f}',
            ]
            assert ' '.join(row) in text
            scale = '\N{MULTIPLICATION SIGN}'.join(map(str, point.scale))
            assert (f'{scale} \N{BLACK CIRCLE}, chosen' in text) or not point.chosen
    for point in three.detectors[0].points:
        timing, parts = point.latency.timing, point.latency.parts_ms
        row = [*(parts[part] for part in ('backbone', 'neck', 'head')), timing.p50_ms]
        row = [significant(value) for value in (*row, timing.p90_ms)]
        assert ' '.join([*row, DASH, '30', significant(timing.images_per_second)]) in text
    assert 'Example Processor 9000' in text and 'medians of 30 rounds' in text


def test_every_class_at_the_best_scales(three, three_page):
    text = three_page.section('classes-0')
    best = [detector.points[3] for detector in three.detectors]
    for k in range(10):
        row = [f'digit {k}', f'{best[0].classes[k].objects}']
        for point in best:
            row += [f'{point.classes[k].ap_percent:.2f}', f'{point.classes[k].ap50_percent:.2f}']
        assert ' '.join(row) in text


def test_few_classes_are_open_and_many_are_not():
    def details(results):
        source = page(results)
        section = source[source.index('id="classes-0"') :]
        return re.search(r'<details( open)?>', section).group(1)

    assert details(made_up_detection()) == ' open'
    assert details(made_up_detection(coco_detector())) is None


def test_provenance_names_what_went_in(three, three_page):
    text = three_page.section('provenance')
    for detector in three.detectors:
        for record in (detector.config, detector.checkpoint, detector.calibration, detector.test):
            assert record.sha256 in text
        assert f'{detector.detector}, backbone {detector.backbone}, 10 classes' in text
    for words in (
        'each draw takes as many images as there are, with replacement',
        'matches of detections to objects count as often as their image was drawn',
        'averaged over the classes of which the draw has an object',
        'Two detectors meet the same draws',
        'the best mAP among the scales whose mean cost there is within the budget',
    ):
        assert words in text
    assert 'thresholds were chosen' not in text


def test_pictures_with_their_boxes(three, three_page):
    images = [attrs for tag, attrs in three_page.tags if tag == 'image']
    uses = [attrs['href'] for tag, attrs in three_page.tags if tag == 'use']
    assert len(images) == len(uses) == 3 * 8
    assert [f'#{attrs["id"]}' for attrs in images] == uses
    assert all(attrs['href'].startswith('data:image/jpeg;base64,') for attrs in images)
    boxes = [attrs['class'] for tag, attrs in three_page.tags if tag == 'g' and 'class' in attrs]
    expected = [
        f'box {box.kind}'
        for detector in three.detectors
        for picture in detector.gallery.pictures
        for box in picture.boxes
    ]
    legend = sum(
        len({box.kind for picture in detector.gallery.pictures for box in picture.boxes})
        for detector in three.detectors
    )
    assert len(boxes) == len(expected) + legend
    threshold = three.detectors[0].gallery.score_threshold
    assert f'a score of at least {threshold:.2f}' in three_page.section('gallery-0')


def test_every_button_names_its_picture_and_every_box_is_named_without_a_mouse(three, three_page):
    buttons = [a for _, a in three_page.tags if a.get('class') == 'enlarge']
    pictures = [picture for detector in three.detectors for picture in detector.gallery.pictures]
    assert len(buttons) == len(pictures)
    assert {a['aria-pressed'] for a in buttons} == {'false'}
    for picture, button in zip(pictures, buttons, strict=True):
        assert button['aria-label'].startswith(f'larger: test image {picture.index}')
    names = re.findall(r'<details class="names">.*?</details>', three_page.source, re.DOTALL)
    assert len(names) == sum(bool(picture.boxes) for picture in pictures)
    for picture, said in zip([p for p in pictures if p.boxes], names, strict=True):
        assert all(f'{html.escape(box.label)}, ' in said for box in picture.boxes)


def test_the_sliders_data(three, three_page):
    (data,) = three_page.budgets
    assert data['chart'] == 'curve-0' and len(data['gmacs']) == len(data['labels'])
    for detector, model in zip(three.detectors, data['models'], strict=True):
        chosen = [point for point in detector.points if point.chosen]
        assert model['targets'] == pytest.approx([p.calibration_gmacs_mean for p in chosen])
        assert model['heights'] == pytest.approx([p.test.map_percent for p in chosen])
        assert set(model['x']) == {'macs', 'backbone', 'ms-1'} and model['leaving'] is None
        assert model['names'][0] == 'map' and len(model['texts'][0]) == len(model['names'])


def test_what_is_not_known_is_a_dash_or_left_out():
    detector = made_up_detector(latency=False, gallery=False, training=None)
    points = [
        dataclasses.replace(
            point,
            test=NO_METRICS,
            calibration=NO_METRICS,
            chosen=False,
            map_interval=None,
            ap50_interval=None,
            classes=[
                dataclasses.replace(one, objects=0, ap_percent=None, ap50_percent=None)
                for one in point.classes
            ],
        )
        for point in detector.points
    ]
    blind = dataclasses.replace(detector, points=points)
    reader = PageReader(page(made_up_detection(blind, made_up_detector('b', latency=False))))
    assert 'no mAP (the test images hold no object)' in reader.text
    assert f'0.775 0.046 0.439 {DASH} {DASH} {DASH}' in reader.section('numbers-0')
    assert f'digit 0 0 {DASH} {DASH}' in reader.section('classes-0')
    assert 'no difference of mAP can be told' in reader.section('compared-0')
    assert 'Milliseconds' not in reader.text and ' ms' not in reader.text.replace(' ms.', '')
    alone = PageReader(page(made_up_detection(blind)))
    assert alone.section('gallery-0') is None and alone.section('compared-0') is None
    assert 'None' not in alone.text and 'nan' not in json.dumps(alone.charts)


def test_one_scale_has_no_slider():
    reader = PageReader(page(made_up_detection(made_up_detector(sizes=(256,)))))
    assert all(a.get('type') != 'range' for tag, a in reader.tags if tag == 'input')
    assert 'mAP is 44.2 % at 3.10 GMACs per image' in reader.text.replace('\xa0', ' ')


def test_published_detectors_stand_with_their_source():
    reader = PageReader(page(made_up_detection(coco_detector())))
    text = reader.section('published-0')
    assert 'Dyn-Perceiver, RegNet-Y-1.6GF 38.1 40.2 24.1 43.9 53.0' in text
    assert 'arXiv 2306.11248' in text and len(reader.curve('published')) == 5
    assert 'published' not in PageReader(page(made_up_detection())).text.lower()


def test_warnings_about_times_are_shown():
    detector = made_up_detector(sizes=(256,))
    point = detector.points[0]
    few = dataclasses.replace(point.latency.timing, samples_ms=[10.0, 11.0, 12.0])
    point = dataclasses.replace(point, latency=dataclasses.replace(point.latency, timing=few))
    results = made_up_detection(dataclasses.replace(detector, points=[point]))
    assert 'Only 3 rounds' in PageReader(page(results)).section('numbers-0')


def evil_detection():
    """Everything that is a string is hostile."""
    detectors = []
    for _ in range(2):
        detector = made_up_detector(
            EVIL,
            classes=tuple(f'{EVIL}{k}' for k in range(3)),
            source=EVIL,
            dataset=EVIL,
            task=EVIL,
            detector=EVIL,
            backbone=EVIL,
            weights=EVIL,
            config=FileRecord(EVIL, EVIL),
            checkpoint=FileRecord(EVIL, EVIL),
            training=TrainingRecord(EVIL, 3, EVIL, 0.1, 4),
            calibration=SplitRecord(EVIL, 60, EVIL),
            test=SplitRecord(EVIL, 100, EVIL),
        )
        points = [
            dataclasses.replace(
                point, parts=[dataclasses.replace(part, part=EVIL) for part in point.parts]
            )
            for point in detector.points
        ]
        pictures = [
            dataclasses.replace(picture, source=EVIL) for picture in detector.gallery.pictures
        ]
        gallery = dataclasses.replace(detector.gallery, pictures=pictures)
        detectors.append(dataclasses.replace(detector, points=points, gallery=gallery))
    return made_up_detection(*detectors, created=EVIL, command=EVIL)


def test_every_string_is_escaped():
    text = page(evil_detection())
    reader = PageReader(text)
    assert [tag for tag, _ in reader.tags].count('script') == 4
    assert not any(key.startswith('on') for _, attrs in reader.tags for key in attrs)
    assert [tag for tag, _ in reader.tags if tag == 'img'] == []
    assert ''.join(reader.shown).count(EVIL) > 20
    assert '<img src=x' not in text
    (line,) = reader.curve('curve')
    assert html.unescape(line['customdata'][0]).startswith('<b></script>')
    for trace in reader.charts['curve-0']['data']:
        for string in [*trace.get('text', []), *trace['customdata']]:
            assert not re.search(r'<(?!/?b>|br>)', string)


def test_too_many_pictures_become_fewer(monkeypatch):
    detector = made_up_detector()
    heavy = 'data:image/jpeg;base64,' + base64.b64encode(bytes(40_000)).decode()
    pictures = [dataclasses.replace(picture, image=heavy) for picture in detector.gallery.pictures]
    gallery = DetectionGallery(detector.gallery.scale, 0.3, pictures)
    results = made_up_detection(dataclasses.replace(detector, gallery=gallery))
    full = page(results)
    assert full.count(heavy) == 8
    monkeypatch.setattr(page_module, 'MOST_BYTES', len(full.encode()) - 3 * len(heavy))
    assert page(results).count(heavy) == 4
