"""The chart of detectors: what is drawn where, and what is said about it."""

import dataclasses

import pytest

from reports.detection.published import COCO
from reports.page.detection.chart import detection_chart
from reports.page.detection.panel import detection_panels
from reports.series import STYLES

from ...made_up_detectors import (
    NO_METRICS,
    coco_detector,
    made_up_detection,
    made_up_detector,
    three_detectors,
)


def chart(*detectors, published=()):
    (panel,) = detection_panels(made_up_detection(*detectors))
    return detection_chart(panel, published)


def of(figure, layer, model=0):
    return [
        trace
        for trace in figure['data']
        if trace['meta']['layer'] == layer and trace['meta'].get('model') in (model, None)
    ]


def test_chosen_scales_are_a_line_and_the_others_are_not():
    results = three_detectors()
    (panel,) = detection_panels(results)
    figure = detection_chart(panel)
    for i, detector in enumerate(results.detectors):
        (line,), (others,) = of(figure, 'curve', i), of(figure, 'others', i)
        chosen, left = detector.points[:4], detector.points[4:]
        assert list(line['x']) == [point.gmacs_mean for point in chosen]
        assert list(line['y']) == [point.test.map_percent for point in chosen]
        assert line['meta']['x'] == {
            'backbone': [point.parts[0].gmacs_mean for point in chosen],
            'ms-1': [point.latency.timing.p50_ms for point in chosen],
        }
        up, down = line['error_y']['array'], line['error_y']['arrayminus']
        for point, plus, minus in zip(chosen, up, down, strict=True):
            assert point.test.map_percent + plus == pytest.approx(point.map_interval.high)
            assert point.test.map_percent - minus == pytest.approx(point.map_interval.low)
        assert list(others['x']) == [point.gmacs_mean for point in left]
        assert 'lines' in line['mode'] and 'lines' not in others['mode']
        assert line['marker']['symbol'] == STYLES[i].symbol
        assert line['line']['color'] == f'var(--series-{i})'
    assert figure['axes'] == {
        'macs': 'Mean GMACs per image, whole detector',
        'backbone': 'Mean GMACs per image, backbone alone',
        'ms-1': 'ms per image, one image at a time',
    }


def test_the_hover_tells_all_numbers():
    detector = made_up_detector()
    (line,), (others,) = (of(chart(detector), layer) for layer in ('curve', 'others'))
    point, text = detector.points[1], line['customdata'][1]
    for number in (
        f'mAP <b>{point.test.map_percent:.2f} %</b>',
        f'95 %: {point.map_interval.low:.2f} to {point.map_interval.high:.2f}',
        f'AP50 {point.test.ap50_percent:.2f} %, AP75 {point.test.ap75_percent:.2f} %',
        f'small {point.test.ap_small_percent:.2f}',
        f'backbone {point.parts[0].gmacs_mean:.3f}',
        f'{point.latency.timing.p50_ms:.1f} ms per image',
        '288\N{MULTIPLICATION SIGN}192',
        'better on the calibration split than every cheaper scale',
    ):
        assert number in text
    assert 'not chosen: a cheaper scale is at least as good' in others['customdata'][0]


def test_the_hover_does_not_compare_what_the_calibration_split_does_not_say():
    detector = made_up_detector()
    dear = dataclasses.replace(detector.points[-1], chosen=False, calibration=NO_METRICS)
    points = [*detector.points[:-1], dear]
    (others,) = of(chart(dataclasses.replace(detector, points=points)), 'others')
    assert 'not chosen: the calibration split says nothing of it' in others['customdata'][-1]
    assert 'as good' not in others['customdata'][-1]


def test_scales_without_map_have_no_mark():
    detector = made_up_detector(latency=False)
    first = dataclasses.replace(detector.points[0], test=NO_METRICS, map_interval=None)
    second = dataclasses.replace(detector.points[1], map_interval=None)
    figure = chart(dataclasses.replace(detector, points=[first, second]))
    (line,) = of(figure, 'curve')
    assert list(line['x']) == [second.gmacs_mean] and of(figure, 'others') == []
    assert list(line['error_y']['array']) == [0.0] and 'no interval' in line['customdata'][0]
    assert list(figure['axes']) == ['macs', 'backbone']
    nothing = chart(dataclasses.replace(detector, points=[first]))
    assert nothing['data'] in ([], ())


def test_a_scale_that_was_not_timed_has_no_place_on_the_axis_of_time():
    detector = made_up_detector()
    points = [detector.points[0], dataclasses.replace(detector.points[1], latency=None)]
    (line,) = of(chart(dataclasses.replace(detector, points=points)), 'curve')
    assert line['meta']['x']['ms-1'] == [points[0].latency.timing.p50_ms, None]


def test_published_detectors_are_on_the_axis_of_the_backbone_alone():
    figure = chart(coco_detector(), published=COCO)
    published = of(figure, 'published')
    assert len(published) == len(COCO)
    for trace, one in zip(published, COCO, strict=True):
        assert list(trace['x']) == []
        assert trace['meta']['x'] == {'backbone': [one.backbone_gmacs]}
        assert list(trace['y']) == [one.map_percent]
        assert 'arXiv 2306.11248' in trace['customdata'][0]
