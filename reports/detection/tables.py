"""The numbers of detectors as tables: a row per scale, and a short text for the terminal."""

import textwrap
from pathlib import Path

import pandas as pd

from benchmarks.detection_records import PARTS, DetectionMetrics, DetectorResult, ScalePoint
from benchmarks.interval import Interval
from benchmarks.results import Results
from dynp_plugins.atomic_files import atomic_path

from ..axes import CostUnit
from ..labels import one_line, own_names
from ..text_tables import aligned_rows
from .findings import best_finding, detector_pair_finding
from .panels import backbone_gmacs, detector_panels, detector_unit, points_by_cost, scale_text

TEXTS = ('detector', 'source')
"""Columns of `detection_frame` that are no numbers."""

METRICS = ('map', 'ap50', 'ap75', 'ap_small', 'ap_medium', 'ap_large')


def has_detectors(results: Results) -> bool:
    """Whether there is anything to write."""
    return bool(results.detectors)


def detection_frame(results: Results) -> pd.DataFrame:
    """One row per detector and scale, plain numbers with their units in the column names.

    Columns: ``detector``, ``source``; ``longer_side_px`` and ``shorter_side_px`` of the box that
    images are resized to fit into; ``chosen``, 1 where some budget chooses the scale on the
    calibration split, else 0; ``calibration_gmacs_mean`` and the six averages of the calibration
    split; then of the test split ``gmacs_mean``, ``..._std``, ``..._min``, ``..._max``,
    ``gflops_mean`` (2 per MAC), and of ``backbone``, ``neck`` and ``head`` mean, spread and
    ``..._with_norm_gmacs_mean``, which counts normalisation layers and the like too; the six
    averages ``map_percent`` to ``ap_large_percent``, with the ends of 95 % intervals of the first
    two; ``latency_ms_p50`` of one image with its parts; and ``class_ap_percent_NAME`` and
    ``class_ap50_percent_NAME`` of every class of any detector, whatever it is called.

    What is not known is NaN.
    """
    names = own_names(results.detectors)
    rows = [
        {'detector': name, 'source': detector.source} | _row(point)
        for name, detector in zip(names, results.detectors, strict=True)
        for point in points_by_cost(detector)
    ]
    frame = pd.DataFrame(rows)
    return frame.astype({column: float for column in frame.columns if column not in TEXTS})


def _row(point: ScalePoint) -> dict[str, float | None]:
    """The numbers of one scale."""
    row = {
        'longer_side_px': point.scale[0],
        'shorter_side_px': point.scale[1],
        'chosen': int(point.chosen),
        'calibration_gmacs_mean': point.calibration_gmacs_mean,
        **_metrics('calibration_', point.calibration),
        'gmacs_mean': point.gmacs_mean,
        'gmacs_std': point.gmacs_std,
        'gmacs_min': point.gmacs_min,
        'gmacs_max': point.gmacs_max,
        'gflops_mean': 2 * point.gmacs_mean,
    }
    parts = {part.part: part for part in point.parts}
    for name in PARTS:
        for field in ('gmacs_mean', 'gmacs_std', 'gmacs_min', 'gmacs_max', 'with_norm_gmacs_mean'):
            row[f'{name}_{field}'] = getattr(parts.get(name), field, None)
    row |= _metrics('', point.test)
    for name, interval in (('map', point.map_interval), ('ap50', point.ap50_interval)):
        for end in ('low', 'high'):
            row[f'{name}_percent_{end}'] = getattr(interval, end, None)
    row['latency_ms_p50'] = point.latency.timing.p50_ms if point.latency else None
    for name in PARTS:
        row[f'{name}_ms_p50'] = point.latency.parts_ms.get(name) if point.latency else None
    for one in point.classes:
        row[f'class_ap_percent_{one.name}'] = one.ap_percent
        row[f'class_ap50_percent_{one.name}'] = one.ap50_percent
    return row


def _metrics(prefix: str, metrics: DetectionMetrics) -> dict[str, float | None]:
    return {f'{prefix}{name}_percent': getattr(metrics, f'{name}_percent') for name in METRICS}


def write_detection_csv(results: Results, path: str | Path) -> None:
    """Write `detection_frame` as CSV with full precision; missing values are empty.

    Raises:
        UserError: The file cannot be written.
    """
    with atomic_path(path) as temporary:
        detection_frame(results).to_csv(
            temporary, index=False, lineterminator='\n', encoding='utf-8', errors='replace'
        )


def detection_summary(results: Results) -> list[str]:
    """For the terminal: a few lines per detector, then a sentence per pair that was compared."""
    names = [one_line(name, 90) for name in own_names(results.detectors)]
    blocks = [
        _summary(names[i], detector, detector_unit(panel.detectors))
        for panel in detector_panels(results)
        for i, detector in zip(panel.indices, panel.detectors, strict=True)
    ]
    found = [detector_pair_finding(pair, results) for pair in results.detector_comparisons]
    return blocks + (['\n'.join(_wrapped(sentence) for sentence in found)] if found else [])


def _wrapped(sentence: str) -> str:
    return textwrap.fill(sentence, 100, subsequent_indent='  ', break_on_hyphens=False)


def _summary(name: str, detector: DetectorResult, unit: CostUnit) -> str:
    """One detector's lines."""
    header = ['scale (* chosen)', unit.macs, 'backbone', 'mAP %', '95 % interval', 'AP50 %']
    rows = [[*header, 'small', 'medium', 'large', 'ms']]
    for point in points_by_cost(detector):
        test = point.test
        sizes = (test.ap_small_percent, test.ap_medium_percent, test.ap_large_percent)
        rows.append(
            [
                scale_text(point.scale) + (' *' if point.chosen else ''),
                unit.number(point.gmacs_mean),
                unit.number(backbone_gmacs(point)),
                _number(test.map_percent),
                _interval(point.map_interval),
                _number(test.ap50_percent),
                *map(_number, sizes),
                _number(point.latency.timing.p50_ms if point.latency else None),
            ]
        )
    first = _wrapped(f'{name}: {best_finding(detector, unit)}')
    return '\n'.join([first, *aligned_rows(rows)])


def _number(value: float | None) -> str:
    return '-' if value is None else f'{value:.2f}'


def _interval(interval: Interval | None) -> str:
    return '-' if interval is None else f'{interval.low:.2f} to {interval.high:.2f}'
