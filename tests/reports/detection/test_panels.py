"""Detectors that share axes, and the scales that budgets choose."""

import dataclasses

import numpy as np
import pytest

from benchmarks.detection.operating_points import choose_scale
from benchmarks.results import SplitRecord
from reports.detection.panels import (
    backbone_gmacs,
    best_point,
    chosen_points,
    detector_panels,
    detector_unit,
    points_by_cost,
    scale_text,
)

from ..made_up_detectors import NO_METRICS, made_up_detection, made_up_detector


def test_detectors_of_the_same_test_split_share_a_panel():
    other = SplitRecord('test', 72, 'e' * 64)
    names = {'a': {}, 'b': {'test': other}, 'c': {}}
    results = made_up_detection(*(made_up_detector(name, **c) for name, c in names.items()))
    first, second = detector_panels(results)
    assert first.indices == [0, 2] and second.indices == [1]
    assert [detector.name for detector in first.detectors] == ['a', 'c']
    assert detector_panels(made_up_detection(models=[], detectors=[])) == []


def test_costs_of_small_detectors_are_in_mmacs():
    assert detector_unit([made_up_detector(sizes=(32,), cost=0.1)]).macs == 'MMACs'
    unit = detector_unit([made_up_detector(sizes=(32,), cost=0.1), made_up_detector()])
    assert unit.macs == 'GMACs' and unit.sample == 'image'


@pytest.mark.parametrize('seed', range(5))
def test_a_scale_is_chosen_if_it_is_better_than_every_cheaper_one(seed):
    """The made-up ``chosen`` stands for that of the records; here it is said once more."""
    detector = made_up_detector(seed=seed, sizes=(100, 140, 200, 260, 300, 340, 400))
    points = points_by_cost(detector)
    values = np.array([point.calibration.map_percent for point in points])
    expected = [p for k, p in enumerate(points) if k == 0 or values[k] > values[:k].max()]
    assert chosen_points(detector) == expected
    assert best_point(detector) is choose_scale(detector.points)
    assert best_point(detector).calibration.map_percent == values.max()


def test_scales_come_by_their_cost_in_whatever_order_they_are():
    detector = made_up_detector()
    backwards = dataclasses.replace(detector, points=detector.points[::-1])
    assert points_by_cost(backwards) == detector.points
    assert best_point(backwards) == best_point(detector)


def test_where_the_calibration_split_says_nothing_the_cheapest_scale_is_taken():
    detector = made_up_detector()
    points = [
        dataclasses.replace(point, calibration=NO_METRICS, chosen=False)
        for point in detector.points[::-1]
    ]
    unknown = dataclasses.replace(detector, points=points)
    assert chosen_points(unknown) == [points[-1]] and best_point(unknown) is points[-1]
    assert choose_scale(points) is points[-1]


def test_the_backbones_cost_is_its_own():
    point = made_up_detector().points[2]
    assert backbone_gmacs(point) == point.parts[0].gmacs_mean
    without = dataclasses.replace(point, parts=point.parts[1:])
    assert backbone_gmacs(without) == 0


def test_scales_are_written_as_a_box():
    assert scale_text([1333, 800]) == '1333\N{MULTIPLICATION SIGN}800'
