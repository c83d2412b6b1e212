"""The curve from exit tables, by hand and at scale."""

import numpy as np
import pytest

from benchmarks.budget_curve import BUDGETS, curve_points
from dynp_plugins.early_exit import ExitTable
from benchmarks.macs import ExitCost


def table(confidence, correct, offset=0):
    confidence, correct = np.asarray(confidence, np.float32), np.asarray(correct)
    samples = len(confidence)
    return ExitTable(
        prediction=np.zeros(confidence.shape, np.int32),
        label_rank=np.where(correct, 0, 3),
        max_softmax=confidence,
        entropy=confidence,
        margin=confidence,
        label=np.zeros(samples, np.int32),
        picture=np.arange(offset, offset + samples * 16, dtype=np.uint8).reshape(-1, 16)
        if samples < 10
        else np.zeros((samples, 16), np.uint8),
        source=np.full(samples, ''),
        manifest={'split': 'x', 'index_sha256': '', 'classes': 10},
    )


def costs(*macs):
    return [ExitCost(f'exit{k}', int(m * 1e9), 0, {}) for k, m in enumerate(macs)]


def test_two_exits_by_hand():
    """Half the calibration samples are to leave early; the test split differs."""
    calibration = table([[0.9, 1], [0.8, 1], [0.4, 1], [0.3, 1]], [[1, 1]] * 4)
    test = table([[0.85, 1], [0.8, 1], [0.79, 1], [0.9, 1]], [[1, 0], [0, 1], [1, 1], [1, 0]])
    first, middle, last = curve_points(calibration, test, costs(1, 3), budgets=3)
    assert (first.target_gmacs, middle.target_gmacs, last.target_gmacs) == (1.0, 2.0, 3.0)
    assert middle.thresholds == {'exit0': pytest.approx(0.8)}
    assert middle.calibration_gmacs_mean == pytest.approx(2.0)
    assert middle.calibration_top1_percent == pytest.approx(100.0)
    assert middle.exit_shares == {'exit0': 0.75, 'exit1': 0.25}
    assert middle.gmacs_mean == pytest.approx(0.75 * 1 + 0.25 * 3)
    assert middle.top1_percent == pytest.approx(75.0)  # right, wrong, right at exit 1, right
    assert first.exit_shares == {'exit0': 1.0, 'exit1': 0.0}
    assert last.thresholds == {'exit0': None}
    assert last.top1_percent == pytest.approx(50.0)


def test_the_test_split_has_no_say_in_the_thresholds():
    rng = np.random.RandomState(0)
    calibration = table(rng.rand(200, 4), rng.rand(200, 4) < 0.5)
    prices = costs(1, 2, 3, 4)
    curves = [
        curve_points(calibration, table(rng.rand(100, 4), rng.rand(100, 4) < p), prices)
        for p in (0.1, 0.9)
    ]
    assert [p.thresholds for p in curves[0]] == [p.thresholds for p in curves[1]]


def test_ends_of_the_curve_are_the_first_and_the_last_exit():
    rng = np.random.RandomState(1)
    confidence, correct = rng.rand(500, 4), rng.rand(500, 4) < [0.5, 0.6, 0.7, 0.8]
    calibration, test = table(confidence, correct), table(confidence + 1e-3, correct)
    points = curve_points(calibration, test, costs(1, 2, 3, 4))
    assert len(points) == BUDGETS >= 33
    assert points[0].gmacs_mean == pytest.approx(1.0)
    assert points[0].top1_percent == pytest.approx(100 * correct[:, 0].mean())
    assert points[-1].gmacs_mean == pytest.approx(4.0)
    assert points[-1].top1_percent == pytest.approx(100 * correct[:, -1].mean())
    for point in points:
        assert sum(point.exit_shares.values()) == pytest.approx(1)
        assert point.calibration_gmacs_mean == pytest.approx(point.target_gmacs, rel=0.02)


def test_fifty_thousand_samples():
    """The size the protocol is used at; a quadratic algorithm would not come back."""
    rng = np.random.RandomState(2)
    confidence = rng.rand(50_000, 4)
    big = table(confidence, confidence > 0.3)
    points = curve_points(big, big, costs(1, 2, 3, 4))
    assert points[16].gmacs_mean == pytest.approx(points[16].target_gmacs, rel=1e-3)


def test_a_network_with_one_exit_has_one_point():
    (point,) = curve_points(
        table([[0.9], [0.8]], [[1], [1]]), table([[0.7], [0.2]], [[1], [0]]), costs(2), budgets=33
    )
    assert (point.target_gmacs, point.gmacs_mean, point.top1_percent) == (2.0, 2.0, 50.0)
    assert point.exit_shares == {'exit0': 1.0}
    assert point.thresholds == {}
