"""Sentences about pairs of detectors say what the numbers say, no more."""

import dataclasses

from benchmarks.interval import Interval
from reports.page.detection.comparisons import detector_pairs
from reports.page.detection.panel import detection_panels

from ...made_up_detectors import made_up_detection, made_up_detector

TIMES = '\N{MULTIPLICATION SIGN}'


def only_pair(**changes):
    results = made_up_detection(made_up_detector('A'), made_up_detector('B'))
    (comparison,) = results.detector_comparisons
    same = {'scale': [480, 320], 'baseline_scale': [480, 320], 'cost_ratio': 1.5}
    comparison = dataclasses.replace(comparison, **same | changes)
    (panel,) = detection_panels(dataclasses.replace(results, detector_comparisons=[comparison]))
    (pair,) = detector_pairs(panel)
    return pair


def test_a_sure_difference():
    pair = only_pair(map_difference=2.62, map_difference_interval=Interval(0.2, 4.9))
    assert pair.map.sentence == "A's mAP is 2.6 points above B's (95 %: 0.2 to 4.9)"
    assert pair.map.sure and (pair.map.dot, pair.map.low, pair.map.high) == (2.62, 0.2, 4.9)
    assert pair.cost == f'A takes 1.50x fewer MACs, both at 480{TIMES}320'


def test_the_better_detector_comes_first():
    pair = only_pair(
        map_difference=-2.6,
        map_difference_interval=Interval(-4.9, -0.2),
        baseline_scale=[384, 256],
    )
    assert pair.map.sentence.startswith("B's mAP is 2.6 points above A's")
    assert pair.cost == f'B takes 1.50x the MACs, at 384{TIMES}256 against 480{TIMES}320'


def test_no_claim_without_an_interval_that_excludes_nothing():
    pair = only_pair(map_difference=0.4, map_difference_interval=Interval(-1.0, 1.8))
    assert pair.map.sentence == (
        'A and B cannot be told apart: 0.4 points of mAP (95 %: \N{MINUS SIGN}1.0 to 1.8)'
    )
    assert not pair.map.sure and pair.map.dot == 0.4
    pair = only_pair(map_difference=0.4, map_difference_interval=None)
    assert 'without an interval' in pair.map.sentence and not pair.map.sure
    pair = only_pair(map_difference=None, map_difference_interval=None)
    assert pair.map.sentence == 'A and B: no difference of mAP can be told' and pair.map.dot is None
