"""What the templates say about detectors that share a chart."""

from benchmarks.detection_records import ScalePoint

from ...detection.classes import class_rows
from ...detection.findings import cost_finding, group_finding, map_text
from ...detection.panels import (
    best_point,
    detector_panels,
    points_by_cost,
    scale_text,
)
from ...detection.published import PublishedDetector, published_detectors
from ...detection.timing import detector_timings, reading_finding
from ...series import STYLES, exit_colours, series_style
from ...timing_quality import conditions_of, warnings_of
from ..colours import ink_on
from ..comparisons import shared_scale
from ..exit_view import FEW
from .budget import detection_budgets
from .chart import TIME, detection_axes, detection_chart
from .comparisons import detector_pairs
from .gallery import KINDS, detector_galleries
from .panel import DetectionPanel

AXIS_NAMES = {'macs': 'all MACs', 'backbone': 'backbone MACs', TIME: 'ms, one image'}
FEW_CLASSES = 12
"""The classes of more are shown when asked for."""


def detection_view(panel: DetectionPanel, pictures: int) -> dict:
    """What the templates say about one panel.

    Args:
        panel: The detectors.
        pictures: At most so many of the best and of the worst are shown.
    """
    results = panel.results
    published = list(published_detectors(panel.detectors))
    (group,) = detector_panels(results)
    models = [_detector_view(panel, i) for i in range(len(panel.detectors))]
    pairs, timings = detector_pairs(panel), detector_timings(panel.detectors)
    view = {
        'kind': 'detection',
        'index': panel.index,
        'task': panel.detectors[0].task,
        'title': group_finding(group, results),
        'subject': panel.subject,
        'unit': panel.unit,
        'samples': 'images',
        'models': models,
        'few': len(models) <= FEW,
        'figures': {f'curve-{panel.index}': detection_chart(panel, published)},
        'axes': {key: AXIS_NAMES[key] for key in detection_axes(panel)},
        'measure': 'mAP',
        'layers': _layers(panel, published),
        'timed': TIME in detection_axes(panel),
        'timing_conditions': conditions_of(results, timings),
        'timing_warnings': warnings_of(results, timings),
        'reading': reading_finding(panel.detectors, panel.names),
        'published': published,
        'budget': detection_budgets(panel),
        'comparisons': pairs,
        'scale': shared_scale([pair.map for pair in pairs], False),
        'galleries': detector_galleries(panel, pictures),
        'kinds': KINDS,
        'classes': class_rows(panel.detectors),
        'few_classes': FEW_CLASSES,
    }
    return view | {'links': _links(view)}


def _detector_view(panel: DetectionPanel, index: int) -> dict:
    """What the templates say about one detector."""
    detector = panel.detectors[index]
    best = best_point(detector)
    colours = exit_colours(max(len(point.parts) for point in detector.points))
    return {
        'name': panel.names[index],
        'record': detector,
        'index': index,
        'chart': None,
        'style': series_style(index),
        'colour': f'var(--series-{index % len(STYLES)})',
        'best_cost': cost_finding(best, panel.unit),
        'best': best,
        'best_map': map_text(best),
        'best_scale': scale_text(best.scale),
        'points': [(scale_text(point.scale), point) for point in points_by_cost(detector)],
        'timed': any(point.latency for point in detector.points),
        'tops': _highest(detector.points),
        'parts': [part.part for part in best.parts],
        'part_colours': colours,
        'part_inks': [ink_on(colour) for colour in colours],
    }


def _highest(points: list[ScalePoint]) -> float | None:
    """The highest mAP on the test split."""
    return max((p.test.map_percent for p in points if p.test.map_percent is not None), default=None)


def _layers(panel: DetectionPanel, published: list[PublishedDetector]) -> list[dict]:
    """What can be switched on and off in the chart beside the detectors."""
    few = len(panel.detectors) <= FEW
    layers = [{'key': 'bands', 'icon': 'whiskers', 'name': '95 % interval', 'on': few}]
    if any(not point.chosen for detector in panel.detectors for point in detector.points):
        layers.append({'key': 'others', 'name': 'scales that no budget chooses', 'on': True})
    if published:
        layers.append({'key': 'published', 'name': 'published', 'on': True})
    return layers


def _links(view: dict) -> list[tuple[str, str]]:
    """(id, name) of the sections."""
    links = [
        ('curve', 'Curve', True),
        ('compared', 'Comparison', view['comparisons']),
        ('gallery', 'Gallery', view['galleries']),
        ('numbers', 'Numbers', True),
        ('classes', 'Classes', view['classes']),
    ]
    return [(f'{place}-{view["index"]}', name) for place, name, there in links if there]
