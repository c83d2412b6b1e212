"""The report as a Markdown file, for places that show no HTML: pull requests, wikis, terminals."""

from pathlib import Path

from benchmarks.curve_records import CurvePoint
from benchmarks.results import ModelResult, Results
from dynp_plugins.atomic_files import atomic_path

from ..axes import CostUnit, check_drawable, cost_unit
from ..comparisons import comparisons_of, pair_finding
from ..detection.panels import detector_panels
from ..figures.latency import has_latency
from ..findings import (
    control_finding,
    exits_finding,
    group_finding,
    model_finding,
    oracle_finding,
    results_finding,
    training_finding,
)
from ..labels import in_words, listed, one_line, own_names, series_names
from ..panels import Panel, panels, subject
from ..published import published_curves
from ..sample_words import frames_finding, input_size
from ..tables import shown_points
from .agreement import agreement_section
from .detection import MADE, detection_section
from .latency import latency_section
from .speedups import speedup_section
from .text import code_block, escaped, number, span, table

MADE_OF_EXITS = (
    'Thresholds were chosen on the calibration split alone, then frozen and applied to the test '
    'split. MACs are counted on the steps that run. Intervals are 95 % percentile intervals of a '
    'bootstrap over the test samples, paired where two models are compared. Which accuracy and '
    'which cost models are compared at was decided on the calibration split.'
)

BUDGETS = 7
"""How many budgets of a curve are shown; all of them are in curve.csv."""


def write_markdown(results: Results, path: str | Path) -> None:
    """Write ``report.md``; the file appears whole or not at all.

    Raises:
        UserError: The results hold no curve, or the file cannot be written.
    """
    text = markdown(results)
    with atomic_path(path) as temporary:
        temporary.write_text(text, encoding='utf-8', errors='replace', newline='\n')


def markdown(results: Results) -> str:
    """The text of the report."""
    check_drawable(results)
    groups, detectors = panels(results), detector_panels(results)
    several = len(groups) + len(detectors) > 1
    drawn = listed(['Top-1 accuracy'] * bool(groups) + ['mAP'] * bool(detectors))
    parts = [
        f'# {escaped(results_finding(results))}',
        _introduction(results),
        f'![{drawn} against mean multiply-adds, with 95 % intervals](curve.png)',
    ]
    for group in groups:
        parts += _group(group, results, with_title=several)
    for group in detectors:
        parts += detection_section(group, results, with_title=several)
    if has_latency(results):
        parts += latency_section(results)
    parts += speedup_section(results)
    parts += agreement_section(results)
    parts += _published(results)
    parts += _provenance(results)
    return '\n\n'.join(part for part in parts if part) + '\n'


def _introduction(results: Results) -> str:
    tables = ['All budgets: [curve.csv](curve.csv).'] if results.models else []
    tables += ['All scales: [detection.csv](detection.csv).'] if results.detectors else []
    files = (
        f'The same with interaction: [report.html](report.html). {" ".join(tables)} Everything '
        'that was measured: [results.json](results.json).'
    )
    groups = [group.models for group in panels(results)]
    groups += [group.detectors for group in detector_panels(results)]
    said = [subject(groups[0])] if len(groups) == 1 else []
    said += [trained] if (trained := training_finding(results)) else []
    return ' '.join([*(f'{escaped(one[0].upper() + one[1:])}.' for one in said), files])


def _group(group: Panel, results: Results, with_title: bool) -> list[str]:
    """Everything about the models that were tested on the same samples."""
    unit, first = cost_unit(results, group.models), group.models[0]
    names = [escaped(one_line(series_names(results)[i], 60)) for i in group.indices]
    parts, level = [], '###' if with_title else '##'
    if with_title:
        parts += [
            f'## {escaped(first.task, 60)} on {escaped(first.dataset, 80)}',
            f'{escaped(group_finding(group, results))}.',
        ]
    parts += [
        f'{level} Models',
        _models_table(group, names, unit),
        f'{frames}.' if (frames := frames_finding(group.models, names)) else '',
        _findings(group, names, unit),
        f'{level} Exits, if every {unit.sample} leaves there',
        _exits_table(group, names, unit),
        'The mean class accuracy gives every class the same weight, however many test '
        f'{unit.sample}s it has. NLL is in nats; Brier is from 0 to 2; ECE is the expected '
        'calibration error over confidence bins.',
        f'{level} Budgets, each {unit.sample} at its own exit',
        _budgets_table(group, names, unit),
        f'"Random exits" are the control: the same shares, but {unit.sample}s drawn at random.',
    ]
    compared = comparisons_of(group, results)
    if compared:
        sentences = '\n'.join(f'- {escaped(pair_finding(c, results), 500)}.' for c in compared)
        parts += [
            f'{level} Model against model',
            sentences,
            'Each interval stands for itself: among many pairs, some differ by chance alone.',
            _comparison_table(group, results, unit),
        ]
    return parts


def _models_table(group: Panel, names: list[str], unit: CostUnit) -> str:
    rows = []
    for name, model in zip(names, group.models, strict=True):
        full = model.exits[-1]
        rows.append(
            [
                name,
                escaped(in_words(model.method)),
                escaped(in_words(model.confidence)),
                f'{model.parameters:,}',
                input_size(model),
                unit.number(full.gmacs),
                number(full.test_top1_percent),
            ]
        )
    header = ['model', 'thresholds by', 'confidence', 'parameters', 'input']
    return table([*header, f'full network, {unit.macs}', 'its top-1 %'], rows, texts=3)


def _findings(group: Panel, names: list[str], unit: CostUnit) -> str:
    lines = []
    for name, model in zip(names, group.models, strict=True):
        found = [model_finding(model, unit), exits_finding(model)]
        if len(model.exits) > 1:
            found += [control_finding(model, unit), oracle_finding(model, unit)]
        lines.append(f'- **{name}**: {" ".join(f"{escaped(one, 500)}." for one in found)}')
    return '\n'.join(lines)


def _exits_table(group: Panel, names: list[str], unit: CostUnit) -> str:
    header = ['model', 'exit', unit.macs, unit.flops, 'top-1 %', '95 % interval', 'top-5 %']
    header += ['mean class %', '95 % interval']
    rows = [
        [
            name,
            escaped(exit.name, 40),
            unit.number(exit.gmacs),
            unit.number(exit.gflops),
            number(exit.test_top1_percent),
            span(exit.test_top1_interval),
            number(exit.test_top5_percent),
            number(exit.mean_class_percent),
            span(exit.mean_class_interval),
            number(exit.nll, 3),
            number(exit.brier, 3),
            number(exit.ece_percent),
        ]
        for name, model in zip(names, group.models, strict=True)
        for exit in model.exits
    ]
    return table([*header, 'NLL', 'Brier', 'ECE %'], rows, texts=2)


def _budgets_table(group: Panel, names: list[str], unit: CostUnit) -> str:
    header = ['model', 'budget', f'mean {unit.macs}', '95 % interval', 'top-1 %', '95 % interval']
    rows = []
    for name, model in zip(names, group.models, strict=True):
        shown = [(unit.number(p.target_gmacs), p) for p in shown_points(model, BUDGETS)]
        shown += [(escaped(one.name, 60), one.point) for one in model.operating_points]
        rows += [[name, label, *_budget_cells(point, model, unit)] for label, point in shown]
    shares = f'{unit.sample}s leaving at each exit, %'
    return table([*header, 'random exits, top-1 %', shares], rows, texts=2)


def _budget_cells(point: CurvePoint, model: ModelResult, unit: CostUnit) -> list[str]:
    ends = unit.number(point.gmacs_interval.low), unit.number(point.gmacs_interval.high)
    return [
        unit.number(point.gmacs_mean),
        ' to '.join(ends),
        number(point.top1_percent),
        span(point.top1_interval),
        number(point.random_top1_percent),
        ', '.join(
            f'{escaped(exit.name, 24)} {100 * point.exit_shares[exit.name]:.1f}'
            for exit in model.exits
        ),
    ]


def _comparison_table(group: Panel, results: Results, unit: CostUnit) -> str:
    """Numbers of the sentences above, and why some are missing."""
    names = [escaped(one_line(name, 60)) for name in series_names(results)]
    header = ['model', 'against', 'times fewer MACs', '95 % interval', 'at top-1 %']
    header += ['top-1 difference, points', '95 % interval', f'at {unit.macs}', 'missing because']
    rows = [
        [
            names[found.model],
            names[found.baseline],
            number(found.cost_ratio),
            span(found.cost_ratio_interval),
            number(found.top1_percent),
            number(found.top1_difference),
            span(found.top1_difference_interval),
            '-' if found.gmacs is None else unit.number(found.gmacs),
            escaped(found.refusal, 300) or '-',
        ]
        for found in comparisons_of(group, results)
    ]
    return table(header, rows, texts=2)


def _published(results: Results) -> list[str]:
    """Published curves beside which ours may be put."""
    curves = published_curves(results)
    if not curves:
        return []
    rows = []
    for curve in curves:
        labels = [f'{escaped(exit)} ' for exit in curve.exits] or [''] * len(curve.points)
        points = ', '.join(
            f'{label}{cost:g}: {top1:g}'
            for label, (cost, top1) in zip(labels, curve.points, strict=True)
        )
        rows.append([escaped(curve.name), points, escaped(curve.source, 400)])
    header = ['published', 'GMACs: top-1 %', 'source']
    return ['## Published results on the same data', table(header, rows, texts=3)]


def _provenance(results: Results) -> list[str]:
    """Where every number comes from, and how to make the report again."""
    rows = []
    models = [*results.models, *results.detectors]
    names = series_names(results) + own_names(results.detectors)
    for name, model in zip(names, models, strict=True):
        entries = [
            ('config', model.config.path, model.config.sha256),
            (f'weights ({model.weights})', model.checkpoint.path, model.checkpoint.sha256),
        ]
        for split in (model.calibration, model.test):
            samples = f'{split.samples:,} samples'
            entries.append((f'{split.name} split', samples, split.sha256))
        rows += [
            [escaped(name, 60), escaped(what), escaped(where), escaped(sha256[:16])]
            for what, where, sha256 in entries
        ]
    versions = ', '.join(
        f'{escaped(name)} {escaped(version)}' for name, version in results.versions.items()
    )
    sources = ', '.join(dict.fromkeys(escaped(model.source) for model in models))
    return [
        '## Where the numbers come from',
        f'Source: {sources}. Made {escaped(results.created)} from commit '
        f'{escaped(results.git_commit or "unknown")} with {versions}, by',
        code_block(results.command),
        table(['model', 'what', 'where', 'SHA-256 begins'], rows, texts=4),
        '## How it was made',
        MADE_OF_EXITS if results.models else '',
        MADE if results.detectors else '',
        'The calibration and the test split share no sample. MACs are multiply-adds; FLOPs are '
        'twice as many.',
    ]
