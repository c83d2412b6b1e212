"""Detectors in the Markdown report: every number, every pair, and how it was made."""

import dataclasses

from reports.markdown.document import markdown

from ..made_up_detectors import (
    NO_METRICS,
    coco_detector,
    made_up_detection,
    made_up_detector,
    three_detectors,
)
from ..made_up_results import made_up_model

SCALE = '384\N{MULTIPLICATION SIGN}256'


def rows(text, first):
    """Cells of the rows of tables that begin with a text."""
    lines = [line for line in text.splitlines() if line.startswith(f'| {first} |')]
    return [[cell.strip() for cell in line.split(' | ')][1:] for line in lines]


def test_a_report_of_detectors_alone():
    results = three_detectors()
    text = markdown(results)
    assert text.startswith('# retinanet_dyn-perceiver is ahead of both others: its mAP is 2.6')
    assert '![mAP against mean multiply-adds, with 95 % intervals](curve.png)' in text
    assert '[detection.csv](detection.csv)' in text and 'curve.csv' not in text
    assert 'Exits' not in text and 'Thresholds' not in text and 'latency.png' not in text
    for detector in results.detectors:
        scales = rows(text, detector.name)
        point = detector.points[2]
        (row,) = [row for row in scales if row[0] == f'{SCALE} \\*']
        test = point.test
        assert row[1:] == [
            *(f'{part.gmacs_mean:.3f}' for part in point.parts),
            f'{point.gmacs_mean:.3f}',
            f'{point.gmacs_std:.3f}',
            f'{point.parts[0].with_norm_gmacs_mean:.3f}',
            f'{test.map_percent:.2f}',
            f'{point.map_interval.low:.2f} to {point.map_interval.high:.2f}',
            f'{test.ap50_percent:.2f}',
            f'{test.ap75_percent:.2f}',
            f'{test.ap_small_percent:.2f}',
            f'{test.ap_medium_percent:.2f}',
            f'{test.ap_large_percent:.2f}',
            f'{point.calibration.map_percent:.2f} |',
        ]
        (times,) = [row for row in scales if row[0] == SCALE]
        assert times[1] == f'{point.latency.timing.p50_ms:.2f}'
        assert detector.config.sha256[:16] in text and detector.test.sha256[:16] in text
    best = [detector.points[3].classes[4] for detector in results.detectors]
    expected = [f'{best[0].objects}', *(f'{one.ap_percent:.2f}' for one in best)]
    assert rows(text, 'digit 4') == [[*expected[:-1], f'{expected[-1]} |']]
    assert text.count("'s mAP is ") == 3 and 'chosen on the calibration split alone' in text
    assert 'matches of detections to objects count as often as their image was drawn' in text


def test_detectors_come_behind_the_other_tasks():
    text = markdown(made_up_detection(made_up_detector(), models=[made_up_model('labels')]))
    assert text.index('## classification on embedded digits') < text.index(
        '## object detection on embedded scenes'
    )
    assert 'Top-1 accuracy and mAP against' in text
    assert 'curve.csv' in text and 'detection.csv' in text
    assert 'Thresholds were chosen' in text and 'A detector is run at several scales' in text


def test_gaps_and_published_numbers():
    detector = made_up_detector(sizes=(256,), latency=False)
    point = dataclasses.replace(detector.points[0], test=NO_METRICS, map_interval=None)
    text = markdown(made_up_detection(dataclasses.replace(detector, points=[point])))
    (row,) = rows(text, detector.name)[:1]
    assert row[7:13] == ['-'] * 6 and 'one image at a time' not in text
    assert 'Published' not in text
    coco = markdown(made_up_detection(coco_detector()))
    assert '| Dyn-Perceiver, RegNet-Y-1.6GF | 38.1 | 40.2 | 24.10 | 43.90 | 53.00 |' in coco


def test_strange_names_stay_in_their_cells():
    name = 'a|b `c` <i>'
    text = markdown(made_up_detection(made_up_detector(name, classes=(name, 'x'), backbone=name)))
    assert r'a\|b \`c\` &lt;i&gt;' in text and '<i>' not in text
