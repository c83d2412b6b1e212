"""Operating points of simulated detectors, and what budgets choose among them."""

from dataclasses import replace

import numpy as np
import pytest

from benchmarks.detection.map_bootstrap import map_interval
from benchmarks.detection.operating_points import choose_scale, part_costs, scale_points
from benchmarks.detection_records import DetectionMetrics
from dynp_plugins import UserError
from tests.benchmarks.detection.measured import measured_scale
from tests.benchmarks.detection.tables import made_up_image, table_of


def point(scale, gmacs, calibration_map, test_map=0.0):
    (made,) = scale_points([measured_scale()])
    metrics = DetectionMetrics(calibration_map, *[None] * 5)
    return replace(
        made,
        scale=[scale, scale],
        calibration_gmacs_mean=gmacs,
        calibration=metrics,
        test=replace(metrics, map_percent=test_map),
    )


def test_the_best_on_calibration_data_within_the_budget():
    points = [
        point(320, 2.0, 30.0, test_map=10),
        point(240, 1.0, 20.0, test_map=90),
        point(400, 3.0, 25.0, test_map=80),
        point(480, 4.0, 30.0, test_map=80),
    ]
    assert choose_scale(points, 1.5).scale == [240, 240]
    assert choose_scale(points, 2.0).scale == [320, 320]
    assert choose_scale(points, 3.5).scale == [320, 320]
    assert choose_scale(points).scale == [320, 320]  # and no dearer one as good
    with pytest.raises(UserError, match=r'fits into 0\.5 GMACs: the cheapest, 240x240, costs 1'):
        choose_scale(points, 0.5)


def test_scales_without_objects_come_last():
    assert choose_scale([point(1, 1.0, None), point(2, 2.0, 0.0)]).scale == [2, 2]


def test_chosen_is_what_beats_everything_cheaper():
    measured = [
        measured_scale((100 * i, 100 * i), skill, cost=i)
        for i, skill in enumerate((0.2, 0.5, 0.4, 0.9), 1)
    ]
    points = scale_points(measured)
    maps = [p.calibration.map_percent for p in points]
    assert maps[0] < maps[2] < maps[1] < maps[3]
    assert [p.chosen for p in points] == [True, True, False, True]
    budgets = np.linspace(points[0].calibration_gmacs_mean, 2 * points[-1].gmacs_mean, 50)
    reached = {tuple(choose_scale(points, budget).scale) for budget in budgets}
    assert reached == {tuple(p.scale) for p in points if p.chosen}


def test_costs_of_parts():
    images = [made_up_image(macs=(4e9, 2e9, 1e9)), made_up_image(macs=(8e9, 2e9, 1e9), number=1)]
    backbone, neck, head = part_costs(table_of(images))
    assert [one.part for one in (backbone, neck, head)] == ['backbone', 'neck', 'head']
    assert (backbone.gmacs_mean, backbone.gmacs_std) == (6, 2)
    assert (backbone.gmacs_min, backbone.gmacs_max) == (4, 8)
    assert backbone.with_norm_gmacs_mean == pytest.approx(6 + 1e-9)
    assert (neck.gmacs_mean, head.gmacs_mean, head.gmacs_std) == (2, 1, 0)


def test_a_point_is_what_the_tables_say():
    one = measured_scale((640, 480))
    (point,) = scale_points([one])
    total = one.test.macs.sum(1) / 1e9
    assert point.scale == [640, 480]
    assert point.gmacs_mean == pytest.approx(total.mean())
    assert (point.gmacs_min, point.gmacs_max) == (total.min(), total.max())
    assert point.calibration_gmacs_mean == pytest.approx(one.calibration.macs.sum(1).mean() / 1e9)
    assert point.test == one.on_test.metrics != point.calibration
    assert point.map_interval == map_interval(point.test.map_percent, one.draws.map_percent)
    assert point.ap50_interval == map_interval(point.test.ap50_percent, one.draws.ap50_percent)
    assert point.map_interval.low < point.map_interval.high < point.ap50_interval.high
    assert point.latency is None
