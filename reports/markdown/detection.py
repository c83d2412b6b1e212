"""Detectors in the Markdown report."""

from benchmarks.detection_records import PARTS, DetectorResult, ScalePoint
from benchmarks.results import Results

from ..axes import CostUnit
from ..detection.classes import class_rows
from ..detection.findings import (
    best_finding,
    comparisons_of,
    detector_pair_finding,
    group_finding,
)
from ..detection.panels import (
    DetectorPanel,
    detector_unit,
    points_by_cost,
    scale_text,
)
from ..detection.published import published_detectors
from ..detection.timing import detector_timings, reading_finding
from ..labels import one_line, own_names
from ..timing_quality import conditions_of, warnings_of
from .latency import machine_text
from .text import MISSING, escaped, number, significant, span, table

MADE = (
    'A detector is run at several scales: images are resized, with their aspect ratio, to fit into '
    'so many pixels. Which scale a budget uses is chosen on the calibration split alone: the best '
    'mAP among the scales whose mean cost there is within the budget. Costs are counted on every '
    'image as the network gets it, resized and padded. Average precision is that of COCO, in '
    'percent; its 95 % intervals come from a bootstrap over the test images: each draw takes as '
    'many images as there are, with replacement, matches of detections to objects count as often '
    'as their image was drawn, and the mean is over the classes of which the draw has an object. '
    'The middle of the draws is mirrored at the value of all images (a basic bootstrap interval), '
    'since the mAP of few images is too high on average, and that of draws from them higher still. '
    'Two detectors meet the same draws, and the interval is that of their difference.'
)


def detection_section(group: DetectorPanel, results: Results, with_title: bool) -> list[str]:
    """Everything about the detectors that were tested on the same images."""
    unit, first = detector_unit(group.detectors), group.detectors[0]
    all_names = own_names(results.detectors)
    names = [escaped(one_line(all_names[i], 60)) for i in group.indices]
    parts, level = [], '###' if with_title else '##'
    if with_title:
        parts += [
            f'## {escaped(first.task, 60)} on {escaped(first.dataset, 80)}',
            f'{escaped(group_finding(group, results))}.',
        ]
    findings = [
        f'- **{name}** ({escaped(detector.detector, 60)}, backbone '
        f'{escaped(detector.backbone, 80)}): {escaped(best_finding(detector, unit), 500)}.'
        for name, detector in zip(names, group.detectors, strict=True)
    ]
    parts += [
        f'{level} Detectors, each at its best scale on the calibration split',
        '\n'.join(findings),
        f'{level} Scales',
        _scales_table(group, names, unit),
        'A scale with a * is chosen by some budget: on the calibration split it is better than '
        'every cheaper one. The backbone with norm counts normalisation layers and the like too. '
        'All scales with all numbers are in [detection.csv](detection.csv).',
        f'{level} Classes',
        _classes_table(group, names),
        *_times(group, names, results, level),
    ]
    compared = comparisons_of(group, results)
    if compared:
        sentences = [f'- {escaped(detector_pair_finding(one, results), 500)}.' for one in compared]
        parts += [
            f'{level} Detector against detector',
            '\n'.join(sentences),
            'Each at the scale that is best on the calibration split. Each interval stands for '
            'itself: among many pairs, some differ by chance alone.',
        ]
    return parts + _published(group, level)


def _scales_table(group: DetectorPanel, names: list[str], unit: CostUnit) -> str:
    header = ['detector', 'scale', *(f'{part} {unit.macs}' for part in PARTS), f'all {unit.macs}']
    header += ['sd', 'backbone with norm', 'mAP %', '95 % interval', 'AP50 %', 'AP75 %']
    header += ['small %', 'medium %', 'large %', 'calibration mAP %']
    rows = [
        [name, *_cells(point, unit)]
        for name, detector in zip(names, group.detectors, strict=True)
        for point in points_by_cost(detector)
    ]
    return table(header, rows, texts=2)


def _cells(point: ScalePoint, unit: CostUnit) -> list[str]:
    parts = {part.part: part for part in point.parts}
    costs = [unit.number(parts[name].gmacs_mean) if name in parts else MISSING for name in PARTS]
    backbone = parts.get('backbone')
    test = point.test
    return [
        scale_text(point.scale) + (' \\*' if point.chosen else ''),
        *costs,
        unit.number(point.gmacs_mean),
        unit.number(point.gmacs_std),
        unit.number(backbone.with_norm_gmacs_mean) if backbone else MISSING,
        number(test.map_percent),
        span(point.map_interval),
        number(test.ap50_percent),
        number(test.ap75_percent),
        number(test.ap_small_percent),
        number(test.ap_medium_percent),
        number(test.ap_large_percent),
        number(point.calibration.map_percent),
    ]


def _classes_table(group: DetectorPanel, names: list[str]) -> str:
    """Average precision by class, each detector at its best scale."""
    rows = [
        [
            escaped(name, 40),
            f'{objects:,}',
            *(number(one.ap_percent if one else None) for one in found),
        ]
        for name, objects, found in class_rows(group.detectors)
    ]
    return table(['class', 'objects', *(f'AP % of {name}' for name in names)], rows)


def _times(group: DetectorPanel, names: list[str], results: Results, level: str) -> list[str]:
    """Milliseconds of one image at a time; nothing where none was timed."""
    timings = detector_timings(group.detectors)
    if not timings:
        return []
    rows = [
        row
        for name, detector in zip(names, group.detectors, strict=True)
        for row in _time_rows(name, detector)
    ]
    reading = reading_finding(group.detectors, names)
    header = ['detector', 'scale', 'ms per image', *(f'{part} ms' for part in PARTS)]
    return [
        f'{level} Time, one image at a time',
        escaped(conditions_of(results, timings)),
        *(f'**{escaped(said)}.**' for said in warnings_of(results, timings)),
        table(header, rows, texts=2),
        'Medians, from the prepared image to boxes; what follows the head counts for it.',
        f'Reading is timed by itself. {escaped(reading, 500)}.' if reading else '',
        machine_text(results),
    ]


def _time_rows(name: str, detector: DetectorResult) -> list[list[str]]:
    rows = []
    for point in points_by_cost(detector):
        if point.latency is None:
            continue
        parts = [point.latency.parts_ms.get(part) for part in PARTS]
        cells = [MISSING if value is None else significant(value) for value in parts]
        whole = significant(point.latency.timing.p50_ms)
        rows.append([name, scale_text(point.scale), whole, *cells])
    return rows


def _published(group: DetectorPanel, level: str) -> list[str]:
    """Published detectors on the same data."""
    rows = [
        [
            escaped(one.name),
            f'{one.backbone_gmacs:g}',
            f'{one.map_percent:g}',
            *map(number, (one.ap_small_percent, one.ap_medium_percent, one.ap_large_percent)),
            escaped(one.source, 400),
        ]
        for one in published_detectors(group.detectors)
    ]
    if not rows:
        return []
    header = ['published backbone', 'backbone GMACs', 'mAP %', 'small %', 'medium %', 'large %']
    return [f'{level} Published results on the same data', table([*header, 'source'], rows)]
