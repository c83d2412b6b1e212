"""Tables of detectors: plain numbers with units in their names, gaps where nothing is."""

import csv
import dataclasses

import numpy as np
import pytest

from dynp_plugins.errors import UserError
from reports.detection.tables import TEXTS, detection_frame, write_detection_csv
from reports.tables import terminal_summary

from ..made_up_detectors import (
    NO_METRICS,
    made_up_detection,
    made_up_detector,
    three_detectors,
)
from ..made_up_results import made_up_model


def test_a_row_per_detector_and_scale_with_every_number():
    results = three_detectors()
    frame = detection_frame(results)
    points = [(d, point) for d in results.detectors for point in d.points]
    assert len(frame) == len(points)
    for (detector, point), row in zip(points, frame.to_dict('records'), strict=True):
        assert (row['detector'], row['source']) == (detector.name, 'ours')
        assert [row['longer_side_px'], row['shorter_side_px']] == point.scale
        backbone = point.parts[0]
        expected = {
            'chosen': float(point.chosen),
            'calibration_gmacs_mean': point.calibration_gmacs_mean,
            'calibration_map_percent': point.calibration.map_percent,
            'gmacs_mean': point.gmacs_mean,
            'gflops_mean': 2 * point.gmacs_mean,
            'gmacs_std': point.gmacs_std,
            'backbone_gmacs_mean': backbone.gmacs_mean,
            'backbone_with_norm_gmacs_mean': backbone.with_norm_gmacs_mean,
            'neck_gmacs_mean': point.parts[1].gmacs_mean,
            'head_gmacs_std': point.parts[2].gmacs_std,
            'map_percent': point.test.map_percent,
            'map_percent_low': point.map_interval.low,
            'map_percent_high': point.map_interval.high,
            'ap50_percent': point.test.ap50_percent,
            'ap50_percent_low': point.ap50_interval.low,
            'ap75_percent': point.test.ap75_percent,
            'ap_small_percent': point.test.ap_small_percent,
            'ap_large_percent': point.test.ap_large_percent,
            'latency_ms_p50': point.latency.timing.p50_ms,
            'head_ms_p50': point.latency.parts_ms['head'],
            'class_ap_percent_digit 3': point.classes[3].ap_percent,
            'class_ap50_percent_digit 9': point.classes[9].ap50_percent,
        }
        assert {name: row[name] for name in expected} == expected
    assert all(frame[name].dtype == float for name in frame.columns if name not in TEXTS)


def test_classes_called_like_the_ends_of_an_interval_replace_nothing():
    detector = made_up_detector(sizes=(256,), classes=('low', 'high'))
    (point,), (row,) = (
        detector.points,
        detection_frame(made_up_detection(detector)).to_dict('records'),
    )
    ends = point.ap50_interval
    assert (row['ap50_percent_low'], row['ap50_percent_high']) == (ends.low, ends.high)
    for one in point.classes:
        assert row[f'class_ap_percent_{one.name}'] == one.ap_percent
        assert row[f'class_ap50_percent_{one.name}'] == one.ap50_percent


def test_what_is_not_known_is_a_gap(tmp_path):
    detector = made_up_detector(latency=False)
    points = [
        dataclasses.replace(p, test=NO_METRICS, map_interval=None, parts=p.parts[:1])
        for p in detector.points
    ]
    other = made_up_detector('other', classes=('cell',))
    results = made_up_detection(dataclasses.replace(detector, points=points), other)
    frame = detection_frame(results)
    gaps = ['map_percent', 'map_percent_low', 'neck_gmacs_mean', 'latency_ms_p50', 'neck_ms_p50']
    assert frame.loc[: len(points) - 1, [*gaps, 'class_ap_percent_cell']].isna().all().all()
    assert np.isfinite(frame.loc[len(points) :, [*gaps, 'class_ap_percent_cell']]).all().all()
    write_detection_csv(results, tmp_path / 'detection.csv')
    with open(tmp_path / 'detection.csv', encoding='utf-8', newline='') as file:
        rows = list(csv.DictReader(file))
    assert rows[0]['map_percent'] == '' and float(rows[-1]['map_percent']) > 0
    assert [float(row['gmacs_mean']) for row in rows] == frame['gmacs_mean'].tolist()


def test_the_terminal_shows_every_scale_and_every_pair():
    results = three_detectors()
    text = terminal_summary(results)
    assert all(len(line) <= 110 for line in text.splitlines())
    rows = [line.split() for line in text.splitlines()]
    point = results.detectors[0].points[3]
    (row,) = [row for row in rows if row[:2] == ['480\N{MULTIPLICATION SIGN}320', '*']][:1]
    assert row[2:5] == ['4.844', '2.664', f'{point.test.map_percent:.2f}']
    last = results.detectors[0].points[4]
    assert ['576\N{MULTIPLICATION SIGN}384', f'{last.gmacs_mean:.3f}'] in [r[:2] for r in rows]
    assert text.count("'s mAP is ") == 3


def test_the_terminal_shows_models_first_and_nothing_where_nothing_is():
    both = made_up_detection(made_up_detector('boxes'), models=[made_up_model('labels')])
    text = terminal_summary(both)
    assert text.index('labels') < text.index('boxes: mAP')
    detector = made_up_detector(latency=False, sizes=(256,))
    point = dataclasses.replace(detector.points[0], test=NO_METRICS, map_interval=None)
    blind = made_up_detection(dataclasses.replace(detector, points=[point]))
    row = terminal_summary(blind).splitlines()[-1].split()
    assert row[4:] == ['-'] * 7


def test_no_points_no_summary():
    with pytest.raises(UserError, match="'bare' hold no points"):
        terminal_summary(made_up_detection(made_up_detector('bare', points=[], gallery=False)))
    with pytest.raises(UserError, match='hold no model'):
        terminal_summary(made_up_detection(detectors=[], detector_comparisons=[]))
