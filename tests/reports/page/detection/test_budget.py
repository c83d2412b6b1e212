"""The slider of detectors: which scale answers which budget, and what is said about it."""

import dataclasses

import numpy as np
import pytest

from benchmarks.detection.operating_points import choose_scale
from dynp_plugins.errors import UserError
from reports.page.detection.budget import detection_budgets
from reports.page.detection.panel import detection_panels

from ...made_up_detectors import (
    NO_METRICS,
    made_up_detection,
    made_up_detector,
    three_detectors,
)


def view(*detectors):
    (panel,) = detection_panels(made_up_detection(*detectors))
    return detection_budgets(panel)


def plain(text):
    return text.replace('\xa0', ' ')


@pytest.mark.parametrize('seed', range(3))
def test_the_slider_chooses_as_the_calibration_split_does(seed):
    detector = made_up_detector(seed=seed, sizes=(100, 140, 200, 260, 300, 340, 400))
    (choices,) = view(detector).models
    for budget in np.linspace(0, 12, 97):
        chosen = choices.chosen(budget)
        if chosen is None:
            with pytest.raises(UserError, match='no scale fits'):
                choose_scale(detector.points, budget)
            continue
        expected = choose_scale(detector.points, budget)
        scale = '\N{MULTIPLICATION SIGN}'.join(map(str, expected.scale))
        assert choices.texts[chosen]['scale'] == scale
        assert choices.heights[chosen] == expected.test.map_percent


def test_positions_reach_from_the_cheapest_scale_to_the_dearest_chosen_one():
    results = three_detectors()
    (panel,) = detection_panels(results)
    found = detection_budgets(panel)
    costs = [p.calibration_gmacs_mean for d in results.detectors for p in d.points if p.chosen]
    assert (found.gmacs[0], found.gmacs[-1]) == (min(costs), max(costs))
    assert np.diff(found.gmacs) == pytest.approx(np.diff(found.gmacs).mean())


def test_one_detector_opens_at_its_best_scale_and_several_in_the_middle():
    one = view(made_up_detector())
    (choices,) = one.models
    assert choices.chosen(one.gmacs[one.start]) == len(choices.targets) - 1
    several = view(made_up_detector('a'), made_up_detector('b', cost=1.3))
    low, high = several.models[1].targets[0], several.models[0].targets[-1]
    step = several.gmacs[1] - several.gmacs[0]
    assert 0 <= several.gmacs[several.start] - (low + high) / 2 < step


def test_what_is_said_about_a_scale():
    detector = made_up_detector()
    (choices,) = view(detector).models
    point, texts = detector.points[2], choices.texts[2]
    expected = {
        'map': f'{point.test.map_percent:.1f} %',
        'map-interval': f'95 %: {point.map_interval.low:.1f} to {point.map_interval.high:.1f}',
        'ap50': f'{point.test.ap50_percent:.1f} %',
        'scale': '384\N{MULTIPLICATION SIGN}256',
        'cost': '3.10 GMACs',
        'spread': '0.19',
        'backbone': '1.71 GMACs, 55 %',
        'calibration': f'{point.calibration.map_percent:.1f} %',
        'ms': f'{point.latency.timing.p50_ms:.1f} ms',
        'share-0': '55',
        'share-2': '30',
    }
    assert {field: plain(texts[field]) for field in expected} == expected
    assert next(iter(texts)) == 'map'  # the first one is read aloud
    assert choices.shares[2] == pytest.approx([55, 15, 30])
    assert choices.x == {
        'macs': [p.gmacs_mean for p in detector.points[:4]],
        'backbone': [p.parts[0].gmacs_mean for p in detector.points[:4]],
        'ms-1': [p.latency.timing.p50_ms for p in detector.points[:4]],
    }
    assert plain(choices.too_little) == 'Cannot meet this budget: needs 0.783 GMACs.'


def test_the_bar_and_the_line_under_it_agree():
    detector = made_up_detector(sizes=(256,))
    (point,) = detector.points
    shares = {'backbone': 0.564, 'neck': 0.236, 'head': 0.2}
    parts = [
        dataclasses.replace(part, gmacs_mean=shares[part.part] * point.gmacs_mean)
        for part in point.parts
    ]
    point = dataclasses.replace(point, parts=parts)
    (choices,) = view(dataclasses.replace(detector, points=[point])).models
    texts = choices.texts[0]
    assert (texts['share-0'], plain(texts['backbone'])) == ('56', '1.75 GMACs, 56 %')


def test_what_is_not_known_is_a_dash():
    detector = made_up_detector(sizes=(256,), latency=False)
    point = dataclasses.replace(
        detector.points[0], test=NO_METRICS, map_interval=None, ap50_interval=None
    )
    (choices,) = view(dataclasses.replace(detector, points=[point])).models
    fields = ('map', 'map-interval', 'ap50', 'ap50-interval', 'ms')
    dash = '\N{EN DASH}'
    assert [choices.texts[0][field] for field in fields] == [
        dash,
        'no interval',
        dash,
        'no interval',
        dash,
    ]
    assert choices.heights == [None] and list(choices.x) == ['macs', 'backbone']
