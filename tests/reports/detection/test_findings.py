"""Sentences about detectors say what the numbers say, no more."""

import dataclasses

import pytest

from benchmarks.detection_records import DetectorComparison
from benchmarks.interval import Interval
from reports.detection.findings import (
    best_finding,
    comparisons_of,
    detector_finding,
    detector_pair_finding,
    find_comparison,
    group_finding,
    macs_ratio,
    milliseconds,
    turned,
)
from reports.detection.panels import best_point, detector_panels, detector_unit
from reports.findings import results_finding, training_finding

from ..made_up_detectors import (
    NO_METRICS,
    made_up_detection,
    made_up_detector,
    three_detectors,
)
from ..made_up_results import made_up_model, video_fields


def pair(difference=2.6, low=0.2, high=4.9, ratio=0.9, **changes):
    values = {
        'model': 0,
        'baseline': 1,
        'scale': [480, 320],
        'baseline_scale': [384, 256],
        'cost_ratio': ratio,
        'map_difference': difference,
        'map_difference_interval': Interval(low, high),
    }
    return DetectorComparison(**values | changes)


def said(comparison):
    detectors = made_up_detector('A'), made_up_detector('B')
    return detector_pair_finding(comparison, made_up_detection(*detectors))


def test_a_sure_difference_with_its_interval_and_its_cost():
    assert said(pair()) == (
        "A's mAP is 2.6 points above B's (95 % interval 0.2 to 4.9), with 1.11x the MACs"
    )
    assert said(pair(ratio=1.5)).endswith('with 1.50x fewer MACs')
    assert said(pair(ratio=1.002)).endswith('with as many MACs')


def test_the_better_detector_comes_first():
    assert said(pair(-2.6, -4.9, -0.2)) == (
        "B's mAP is 2.6 points above A's (95 % interval 0.2 to 4.9), with 1.11x fewer MACs"
    )


@pytest.mark.parametrize('difference', [0.7, -0.7])
def test_an_interval_that_leaves_it_open_makes_no_claim(difference):
    low, high = difference - 2, difference + 2
    text = said(pair(difference, low, high))
    better, worse = ('A', 'B') if difference > 0 else ('B', 'A')
    assert text.startswith(f'{better} and {worse} are too close to call: a difference of -1.3 to ')
    assert 'above' not in text and '2.7 points of mAP (95 % interval)' in text


def test_an_end_near_nothing_does_not_round_to_it():
    assert '(95 % interval 0.03 to 4.90)' in said(pair(2.4, 0.03, 4.9))


def test_without_an_interval_there_is_no_verdict():
    nothing = pair(None, map_difference_interval=None)
    assert said(nothing) == 'A and B cannot be compared: no interval of their difference in mAP'


def test_turning_twice_changes_nothing():
    comparison = pair(ratio=0.5)
    assert turned(turned(comparison)) == comparison
    assert macs_ratio(turned(comparison)) == '2.00x fewer MACs'
    assert turned(comparison).scale == [384, 256]


def test_one_detector_from_its_cheapest_to_its_best_scale():
    detector = made_up_detector()
    unit, best = detector_unit([detector]), best_point(detector)
    cheap = detector.points[0]
    assert detector_finding(detector, unit) == (
        f'mAP goes from {cheap.test.map_percent:.1f} % at {cheap.gmacs_mean:.3f} GMACs to '
        f'{best.test.map_percent:.1f} % at {best.gmacs_mean:.2f} GMACs per image'
    )
    assert not detector.points[-1].chosen and best is detector.points[-2]


def test_one_scale_and_no_objects():
    single = made_up_detector(sizes=(256,))
    unit = detector_unit([single])
    assert detector_finding(single, unit).startswith('mAP is 44.2 % at 3.10 GMACs')
    blind = dataclasses.replace(single.points[0], test=NO_METRICS, map_interval=None)
    blind = dataclasses.replace(single, points=[blind])
    assert detector_finding(blind, unit) == (
        'The detector has no mAP (the test images hold no object)'
    )
    assert best_finding(blind, unit).startswith('no mAP (the test images hold no object) at 384')


def test_the_best_scale_with_all_its_costs():
    detector = made_up_detector(sizes=(256,))
    point = detector.points[0]
    time = point.latency.timing.p50_ms
    assert best_finding(detector, detector_unit([detector])) == (
        f'mAP {point.test.map_percent:.1f} % at 384\N{MULTIPLICATION SIGN}256, with 3.10 GMACs per '
        f'image, 1.71 GMACs of them in the backbone; {milliseconds(time)} per image'
    )
    untimed = made_up_detector(sizes=(256,), latency=False)
    assert 'ms' not in best_finding(untimed, detector_unit([untimed]))


@pytest.mark.parametrize('value, text', [(47.56, '47.6'), (3.14159, '3.14'), (612.4, '612')])
def test_milliseconds_have_three_digits(value, text):
    assert milliseconds(value) == f'{text} ms'


def test_a_detector_leads_only_if_every_interval_says_so():
    results = three_detectors()
    (panel,) = detector_panels(results)
    assert group_finding(panel, results).startswith(
        'retinanet_dyn-perceiver is ahead of both others: its mAP is 2.6 points above '
        "retinanet_regnety's"
    )
    first, *others = results.detector_comparisons
    open_one = dataclasses.replace(first, map_difference_interval=Interval(-0.1, 5.0))
    unsure = dataclasses.replace(results, detector_comparisons=[open_one, *others])
    assert group_finding(panel, unsure) == 'None of the 3 detectors is ahead of all others'
    missing = dataclasses.replace(results, detector_comparisons=others)
    assert group_finding(panel, missing) == 'None of the 3 detectors is ahead of all others'


def test_a_leader_may_be_the_baseline_of_its_comparisons():
    detectors = made_up_detector('A'), made_up_detector('B'), made_up_detector('C', skill=9)
    results = made_up_detection(*detectors)
    (panel,) = detector_panels(results)
    assert group_finding(panel, results).startswith('C is ahead of both others: its mAP is ')
    assert find_comparison(results, 2, 0) == turned(find_comparison(results, 0, 2))
    assert len(comparisons_of(panel, results)) == 3


def test_a_page_of_several_tasks():
    detectors = three_detectors().detectors
    classifier, video = made_up_model('a'), made_up_model('b', **video_fields())
    results = made_up_detection(detectors[0], models=[classifier, video])
    assert results_finding(results) == (
        '3 models for different tasks, classification, action recognition and object detection: '
        'not to be compared'
    )
    more = made_up_detection(*detectors, models=[classifier])
    assert results_finding(more) == (
        '4 models on 2 test splits: only those of the same split are compared'
    )
    assert training_finding(more) == (
        'Classification: trained on embedded digits for 8 epochs with AdamW. Object detection: all '
        '3 models were trained on embedded scenes for 12 epochs with AdamW'
    )
