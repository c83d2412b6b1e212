"""Detectors in the picture: what is drawn where, and what is written below it."""

import dataclasses

import pytest
from matplotlib.colors import to_hex

from benchmarks.results import SplitRecord
from reports.figures.curve import HEIGHTS, curve_figure, draw_curve
from reports.series import STYLES

from ..made_up_detectors import (
    NO_METRICS,
    made_up_detection,
    made_up_detector,
    three_detectors,
)
from ..made_up_results import made_up_model, video_fields


def texts_of(figure):
    found = figure.findobj(match=lambda a: hasattr(a, 'get_text'))
    return ' '.join(' '.join(text.get_text() for text in found).split())


def test_what_is_drawn():
    results = three_detectors()
    figure = curve_figure(results)
    (axes,) = figure.axes
    for detector, style in zip(results.detectors, STYLES, strict=False):
        own = [line for line in axes.lines if to_hex(line.get_color()) == style.light]
        chosen, others = detector.points[:4], detector.points[4:]
        (curve,) = [
            line for line in own if len(line.get_xdata()) == 4 and line.get_marker() == 'None'
        ]
        assert list(curve.get_xdata()) == [point.gmacs_mean for point in chosen]
        assert list(curve.get_ydata()) == [point.test.map_percent for point in chosen]
        marks = [line for line in axes.lines if line.get_marker() == style.marker]
        filled = {line.get_markerfacecolor(): line for line in marks}
        assert list(filled[style.light].get_ydata()) == [p.test.map_percent for p in chosen]
        assert list(filled['white'].get_ydata()) == [p.test.map_percent for p in others]
        whiskers = {tuple(line.get_ydata()) for line in own if len(line.get_xdata()) == 2}
        assert {(p.map_interval.low, p.map_interval.high) for p in chosen} <= whiskers
    assert axes.get_ylabel() == 'mAP (%)' and 'GMACs' in axes.get_xlabel()
    names = sorted(text.get_text() for text in axes.texts)
    assert names == sorted(
        '\N{MULTIPLICATION SIGN}'.join(map(str, point.scale))
        for detector in results.detectors
        for point in detector.points
        if point.chosen
    )
    said = texts_of(figure)
    for words in (
        'retinanet_dyn-perceiver is ahead of both others',
        'embedded scenes: measured on 300 test images, with scales chosen on a calibration split '
        'of 150 others',
        'pale mark: at another scale',
        'Whiskers: 95 % intervals over the test images',
    ):
        assert words in said
    assert 'leaves at' not in said and 'Bands' not in said


def test_detectors_have_axes_of_their_own_below_the_other_tasks():
    other = SplitRecord('test', 72, 'e' * 64)
    results = made_up_detection(
        made_up_detector('scenes'),
        made_up_detector('cells', test=other, dataset='bccd'),
        models=[
            made_up_model('a', operating_points=False),
            made_up_model('b', operating_points=False, **video_fields()),
        ],
    )
    figure = curve_figure(results)
    labels = ['Top-1 accuracy (%)'] * 2 + ['mAP (%)'] * 2
    assert [axes.get_ylabel() for axes in figure.axes] == labels
    heights = [axes.get_position().height * figure.get_figheight() for axes in figure.axes]
    assert heights == pytest.approx([HEIGHTS[-1]] * 4)
    titles = [text.get_text() for text in figure.texts]
    assert any(title.startswith('object detection, bccd: mAP goes from') for title in titles)
    said = texts_of(figure)
    assert '4 models' in said and 'tested on different samples' in said
    looks = figure.legends[0].legend_handles
    assert [to_hex(look.get_color()) for look in looks] == [style.light for style in STYLES[:4]]
    for axes, style in zip(figure.axes[2:], STYLES[2:4], strict=True):
        assert style.light in {to_hex(line.get_color()) for line in axes.lines}


def test_scales_without_map_are_left_out(tmp_path):
    detector = made_up_detector()
    blind = dataclasses.replace(detector.points[0], test=NO_METRICS, map_interval=None)
    points = [blind, dataclasses.replace(detector.points[1], map_interval=None)]
    some = made_up_detection(dataclasses.replace(detector, points=points))
    (axes,) = curve_figure(some).axes
    assert [text.get_text() for text in axes.texts] == ['288\N{MULTIPLICATION SIGN}192']
    none = made_up_detection(dataclasses.replace(detector, points=points[:1]))
    draw_curve(none, tmp_path / 'curve.svg')
    assert 'no mAP (the test images hold no object)' in texts_of(curve_figure(none))
