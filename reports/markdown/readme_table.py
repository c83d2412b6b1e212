"""Tables of every exit of a report's models and every scale of its detectors, for a README."""

from pathlib import Path

from benchmarks.results import Results
from dynp_plugins.atomic_files import atomic_path
from dynp_plugins.errors import UserError

from ..axes import cost_unit
from ..detection.panels import backbone_gmacs, detector_unit, points_by_cost, scale_text
from ..detection.timing import detector_timings
from ..labels import own_names, series_names
from ..timing_quality import warnings_of
from .text import MISSING, escaped, number, significant, span, table


def results_table(results: Results) -> str:
    """`exits_table`, `scales_table`, or one after the other where there are both."""
    parts = [exits_table(results)] if results.models else []
    return '\n\n'.join(parts + ([scales_table(results)] if results.detectors else []))


def scales_table(results: Results) -> str:
    """One line per detector and scale: costs, average precision with its interval, time.

    Below it stands what makes the times doubtful, if anything does.
    """
    unit = detector_unit(results.detectors)
    timed = detector_timings(results.detectors)
    header = ['model', 'scale', f'backbone {unit.macs}', f'all {unit.macs}', 'mAP %']
    header += ['95 % interval', 'AP50 %', 'AP75 %', 'small %', 'medium %', 'large %']
    rows = []
    for name, detector in zip(own_names(results.detectors), results.detectors, strict=True):
        for point in points_by_cost(detector):
            test = point.test
            row = [
                escaped(name, 60),
                scale_text(point.scale) + (' \\*' if point.chosen else ''),
                unit.number(backbone_gmacs(point)),
                unit.number(point.gmacs_mean),
                number(test.map_percent, 1),
                span(point.map_interval, 1),
                number(test.ap50_percent, 1),
                number(test.ap75_percent, 1),
                number(test.ap_small_percent, 1),
                number(test.ap_medium_percent, 1),
                number(test.ap_large_percent, 1),
            ]
            if timed:
                time = point.latency and point.latency.timing.p50_ms
                row.append(significant(time, 3) if time else MISSING)
            rows.append(row)
    images = ', '.join(dict.fromkeys(f'{one.test.samples:,}' for one in results.detectors))
    note = (
        f'MACs are means over {images} test images. A scale with a * is better than every cheaper '
        'one on the calibration split.'
    )
    notes = [note, *(f'{said}.' for said in (warnings_of(results, timed) if timed else []))]
    text = table(header + (['ms'] if timed else []), rows, texts=2)
    return f'{text}\n\n{" ".join(notes)}'


def exits_table(results: Results) -> str:
    """One line per model and exit: cost, top-1 accuracy with its interval, mean class accuracy."""
    unit = cost_unit(results)
    header = ['model', 'exit', unit.macs, 'top-1 %', '95 % interval', 'mean class %']
    rows = [
        [
            escaped(name, 60),
            escaped(exit.name, 40),
            unit.number(exit.gmacs),
            number(exit.test_top1_percent, 1),
            span(exit.test_top1_interval, 1),
            number(exit.mean_class_percent, 1),
        ]
        for name, model in zip(series_names(results), results.models, strict=True)
        for exit in model.exits
    ]
    samples = ', '.join(dict.fromkeys(f'{model.test.samples:,}' for model in results.models))
    note = f'MACs are of one {unit.sample}; accuracy is on {samples} test {unit.sample}s.'
    return f'{table(header, rows, texts=2)}\n\n{note}'


def marks(name: str) -> tuple[str, str]:
    """The lines between which the table called ``name`` stands in a README."""
    command = f'written by python tools/update_results_table.py, {name}'
    return f'<!-- begin: {command} -->', f'<!-- end: {command} -->'


def with_table(text: str, name: str, results: Results) -> str:
    """A README's text with a fresh table between the marks of that name.

    Raises:
        UserError: The marks are missing; the message gives the lines to write.
    """
    begin, end = marks(name)
    before, found_begin, rest = text.partition(begin)
    _, found_end, after = rest.partition(end)
    if not found_begin or not found_end:
        raise UserError(f'the README needs these two lines:\n{begin}\n{end}')
    return f'{before}{begin}\n\n{results_table(results)}\n\n{end}{after}'


def update_readme(path: str | Path, name: str, results: Results) -> None:
    """Write the table into a README; the rest of it stays.

    Raises:
        UserError: There is no such file, or the marks are missing.
    """
    path = Path(path)
    if not path.is_file():
        raise UserError(f'there is no README {path}')
    text = with_table(path.read_text(encoding='utf-8'), name, results)
    with atomic_path(path) as temporary:
        temporary.write_text(text, encoding='utf-8', newline='\n')
