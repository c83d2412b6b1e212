"""What a detector has found in pictures, as text for the terminal."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from benchmarks.detection.scales import scale_name
from benchmarks.detection_records import ScalePoint
from dynp_plugins.inference.detection_files import DetectionSummary
from dynp_plugins.inference.image_inputs import PICTURES

from ..costs.tables import unit_for
from .aligned import aligned_lines, printable
from .samples import answered_text, cost_text

_TITLES = ('image', 'class', 'score', 'left', 'top', 'right', 'bottom')


def table_text(rows: Sequence[Mapping[str, Any]]) -> str:
    """An aligned table with a line per detection; a picture's name stands at its first one.

    Args:
        rows: See `detection_row`.
    """
    lines = [_TITLES, *(line for row in rows for line in _lines(row))]
    return '\n'.join(aligned_lines(lines, right=range(2, 7)))


def summary_text(
    summary: DetectionSummary, score_threshold: float, budget_gmacs: float | None = None
) -> str:
    """How many were answered, what was found in them, and what it has cost if that is known."""
    lines = [answered_text(summary.samples, summary.answered, PICTURES)]
    if summary.answered:
        count = summary.detections
        found = f'{count or "no"} detection{"" if count == 1 else "s"}'
        lines.append(f'{found} with a score of at least {score_threshold:g}')
        by_class = (f'{n} {printable(name)}' for name, n in summary.by_class.items())
        lines[-1] += f': {", ".join(by_class)}' if count else ''
    if summary.gmacs_mean is not None:
        lines.append(cost_text(summary.gmacs_mean, budget_gmacs, PICTURES))
    return '\n'.join(lines)


def chosen_text(point: ScalePoint) -> str:
    """The scale that was chosen in a report, and what it was chosen by."""
    macs = point.calibration_gmacs_mean * 1e9
    unit = unit_for([macs])
    text = f'scale {scale_name(point.scale)}, chosen on the calibration split: '
    text += f'{unit.number(macs)} {unit.title("MACs")} per picture'
    found = point.calibration.map_percent
    return text if found is None else f'{text} and {found:.1f} % mAP there'


def _lines(row: Mapping[str, Any]) -> Iterator[tuple[str, ...]]:
    name = printable(row['image'])
    if row['error'] is not None:
        yield name, printable(row['error'])
    elif not row['detections']:
        yield name, 'nothing found'
    for found in row['detections']:
        kind = str(found['label']) if found['class'] is None else printable(found['class'])
        sides = (f'{side:.1f}' for side in found['bbox'])
        yield name, kind, f'{100 * found["score"]:.1f} %', *sides
        name = ''
