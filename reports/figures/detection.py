"""Detectors in the picture of the curves: mAP against mean MACs, a mark per scale."""

import numpy as np
from matplotlib.axes import Axes

from benchmarks.detection_records import DetectorResult, ScalePoint
from benchmarks.results import Results

from ..axes import CostUnit, widened
from ..detection.findings import group_finding
from ..detection.panels import (
    DetectorPanel,
    chosen_points,
    detector_panels,
    detector_unit,
    points_by_cost,
    scale_text,
)
from ..labels import one_line, typeset
from ..series import series_style
from .frame import dash_of, draw_whiskers, mark_of
from .mark_names import MarkName, write_names

MAP_TITLE = 'mAP (%)'


def detection_title(group: DetectorPanel, results: Results) -> str:
    """What stands above the axes of some detectors."""
    first = group.detectors[0]
    finding = typeset(group_finding(group, results))
    return f'{one_line(first.task, 40)}, {one_line(first.dataset, 40)}: {finding}'


def draw_detectors(axes: Axes, group: DetectorPanel, first: int) -> None:
    """Lines and marks of the detectors of one group.

    Args:
        axes: Empty.
        group: The detectors.
        first: The look of the first detector of all; see `reports.series.series_style`.
    """
    unit = detector_unit(group.detectors)
    points = [p for detector in group.detectors for p in detector.points]
    values = [p.test.map_percent for p in points if p.test.map_percent is not None]
    intervals = [p.map_interval for p in points if p.map_interval is not None]
    values += [end for interval in intervals for end in (interval.low, interval.high)]
    low, high = widened([p.gmacs_mean * unit.per_giga for p in points], 0.07)
    bottom, top = widened(values or [0.0], 0.1)
    axes.set(xlim=(max(low, 0.0), high), ylim=(max(bottom, -2.0), min(top, 102.0)))
    axes.set(xlabel=unit.axis_title, ylabel=MAP_TITLE)
    names, lines = [], []
    for i, detector in zip(group.indices, group.detectors, strict=True):
        lines += _draw(axes, first + i, detector, unit)
        names += _names(first + i, detector, unit)
    write_names(axes, names, lines)


def _draw(axes: Axes, index: int, detector: DetectorResult, unit: CostUnit) -> list[np.ndarray]:
    """One detector; returns its lines, (M, 2) each."""
    colour = series_style(index).light
    chosen = _known(chosen_points(detector))
    others = [point for point in _known(points_by_cost(detector)) if point not in chosen]
    line = _places(chosen, unit)
    axes.plot(*line.T, color=colour, linestyle=dash_of(index), linewidth=1.8, zorder=3)
    sure = [point for point in chosen if point.map_interval is not None]
    whiskers = draw_whiskers(
        axes, _places(sure, unit), [point.map_interval for point in sure], colour
    )
    axes.plot(*line.T, **mark_of(index, filled=True), linestyle='none', zorder=4)
    pale = mark_of(index) | {'alpha': 0.55, 'markeredgewidth': 1.1}
    axes.plot(*_places(others, unit).T, **pale, linestyle='none', zorder=2.5)
    return [line, *whiskers] if len(line) else whiskers


def _known(points: list[ScalePoint]) -> list[ScalePoint]:
    """Those that have an mAP."""
    return [point for point in points if point.test.map_percent is not None]


def _places(points: list[ScalePoint], unit: CostUnit) -> np.ndarray:
    """(N, 2) cost and mAP."""
    places = [(point.gmacs_mean * unit.per_giga, point.test.map_percent) for point in points]
    return np.array(places, float).reshape(-1, 2)


def _names(index: int, detector: DetectorResult, unit: CostUnit) -> list[MarkName]:
    """The scales that some budget chooses."""
    chosen, colour = _known(chosen_points(detector)), series_style(index).light
    places = _places(chosen, unit).tolist()
    return [
        MarkName(scale_text(point.scale), tuple(place), colour)
        for point, place in zip(chosen, places, strict=True)
    ]


def detection_note(results: Results) -> list[str]:
    """The small print about detectors; empty where there are none."""
    if not results.detectors:
        return []
    said = ['Filled mark: a detector at a scale that some budget chooses on the calibration split']
    if any(not point.chosen for detector in results.detectors for point in detector.points):
        said[0] += '; pale mark: at another scale'
    said[0] += '. Numbers: the pixels that images are resized to fit into.'
    for group in detector_panels(results):
        first = group.detectors[0]
        said.append(
            f'{one_line(first.dataset, 60)}: measured on {first.test.samples:,} test images, with '
            f'scales chosen on a calibration split of {first.calibration.samples:,} others.'
        )
    return said
