"""What the chart of detectors tells about the mark that a reader points at."""

from benchmarks.detection_records import ScalePoint

from ...detection.panels import scale_text
from ..numbers import number, significant, sure
from ..plots_layout import shown
from .panel import DetectionPanel


def scale_hover(panel: DetectionPanel, index: int, point: ScalePoint) -> str:
    """One scale: average precisions, costs by part, times; lines of plotly's HTML."""
    test, unit = point.test, panel.unit
    if point.chosen:
        why = 'better on the calibration split than every cheaper scale'
    elif point.calibration.map_percent is None:
        why = 'not chosen: the calibration split says nothing of it'
    else:
        why = 'not chosen: a cheaper scale is at least as good on the calibration split'
    parts = ', '.join(f'{part.part} {unit.number(part.gmacs_mean)}' for part in point.parts)
    lines = [
        f'<b>{shown(panel.names[index], 60)}</b>, {scale_text(point.scale)}',
        why,
        f'mAP <b>{number(test.map_percent)} %</b> ({sure(point.map_interval, 2)})',
        f'AP50 {number(test.ap50_percent)} %, AP75 {number(test.ap75_percent)} %',
        f'small {number(test.ap_small_percent)}, medium {number(test.ap_medium_percent)}, '
        f'large {number(test.ap_large_percent)} %',
        f'{unit.cost(point.gmacs_mean)} on average',
        shown(parts, 120),
    ]
    if point.latency is not None:
        times = ', '.join(
            f'{part} {significant(value)}' for part, value in point.latency.parts_ms.items()
        )
        lines.append(f'{significant(point.latency.timing.p50_ms)} ms per image')
        lines.append(shown(times, 120))
    return '<br>'.join(lines)
