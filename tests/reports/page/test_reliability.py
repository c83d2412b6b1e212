"""Reliability diagrams put dots where confidence and accuracy are."""

import dataclasses

import pytest

from benchmarks.curve_records import ReliabilityBin
from reports.page.reliability import LARGEST, SIZE, SMALLEST, STRIP, reliability_diagram

from ..made_up_results import made_up_model

EXIT = made_up_model(gallery=False, latency=False).exits[0]


def diagram(*bins):
    return reliability_diagram(dataclasses.replace(EXIT, reliability=list(bins)))


def test_dots_and_bars():
    found = diagram(
        ReliabilityBin(0.0, 0.2, 0, None, None),
        ReliabilityBin(0.4, 0.6, 25, 0.5, 75.0),
        ReliabilityBin(0.8, 1.0, 100, 0.9, 90.0),
    )
    low, high = found.dots
    assert (low.x, low.y, low.line_y) == (0.5 * SIZE, 0.25 * SIZE, 0.5 * SIZE)
    assert high.y == pytest.approx(high.line_y) == pytest.approx(0.1 * SIZE)
    assert (high.radius, low.radius) == (LARGEST, LARGEST / 2)  # a quarter of the area
    assert '75.0 % right of 25 images' in low.text
    assert [bar.height for bar in found.bars] == [STRIP / 4, STRIP]
    assert found.bars[0].x == pytest.approx(0.4 * SIZE, abs=1)


def test_small_bins_stay_visible():
    found = diagram(
        ReliabilityBin(0.0, 0.5, 1, 0.3, 0.0), ReliabilityBin(0.5, 1.0, 10_000, 0.9, 90.0)
    )
    assert found.dots[0].radius == SMALLEST


@pytest.mark.parametrize('samples, few', [(9, True), (10, False)])
def test_bins_of_few_samples_are_marked(samples, few):
    assert diagram(ReliabilityBin(0.8, 1.0, samples, 0.9, 50.0)).dots[0].few == few


@pytest.mark.parametrize(
    'accuracy, verdict',
    [
        (90.0, 'calibrated'),
        (85.0, '5.0 points overconfident'),
        (97.5, '7.5 points underconfident'),
    ],
)
def test_verdict(accuracy, verdict):
    assert diagram(ReliabilityBin(0.8, 1.0, 10, 0.9, accuracy)).verdict == verdict


def test_no_samples_no_diagram():
    assert diagram() is None
    assert diagram(ReliabilityBin(0.0, 1.0, 0, None, None)) is None
