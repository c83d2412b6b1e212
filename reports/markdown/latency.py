"""The times in the Markdown report."""

from benchmarks.latency_records import BatchLatency, LatencyRatio
from benchmarks.results import Results

from ..axes import CostUnit, cost_unit
from ..labels import one_line, series_names
from ..latency import common_batch_sizes, latency_finding, timed_budgets
from ..panels import panel_of, sample_word
from ..times import timed_batches
from .text import MISSING, escaped, number, significant, span, table


def latency_section(results: Results) -> list[str]:
    """Sentences, a table of times, and the machine; only for results with times."""
    names = [escaped(one_line(name, 60)) for name in series_names(results)]
    sentences = [
        f'- **{name}**: {escaped(finding, 500)}.'
        for name, model in zip(names, results.models, strict=True)
        for size in common_batch_sizes(results)
        if (finding := latency_finding(model, size))
    ]
    word = sample_word(results.models)
    header = ['model', 'batch', 'exit or budget', f'ms per {word}', 'p50 ms', 'p90 ms', 'p99 ms']
    header += [f'{word}s per second', 'peak MiB', 'predicted speed-up', 'realised', '95 % interval']
    rows = []
    for i, (name, model) in enumerate(zip(names, results.models, strict=True)):
        unit = cost_unit(results, panel_of(i, results).models)
        for batch in timed_batches(model):
            accuracies = {
                one.time.target_gmacs: one.point.top1_percent
                for one in timed_budgets(model, batch.batch_size)
            }
            rows += _rows(name, batch, accuracies, unit)
    return [
        '## Time',
        '\n'.join(sentences),
        '![Accuracy against milliseconds, and realised against predicted speed-up](latency.png)',
        table(header, rows, texts=3),
        _disagreements(results, word),
        _ratios(results.timing.ratios if results.timing else []),
        _machine(results),
    ]


def _rows(
    name: str, batch: BatchLatency, accuracies: dict[float, float], unit: CostUnit
) -> list[list[str]]:
    """One row per exit, then one per budget at which early exit was run."""
    rows = []
    whole = [(f'everyone at {escaped(one.exit, 40)}', one.timing, None) for one in batch.exits]
    for one in batch.dynamic:
        label = f'early exit, {unit.cost(one.target_gmacs)}'
        if one.target_gmacs in accuracies:
            label += f', {accuracies[one.target_gmacs]:.1f} %'
        whole.append((label, one.timing, one))
    for label, timing, dynamic in whole:
        speed = [MISSING] * 3
        if dynamic is not None:
            speed = [number(dynamic.predicted_speedup), number(dynamic.realised_speedup)]
            speed.append(span(dynamic.realised_interval))
        rows.append(
            [
                name,
                str(batch.batch_size),
                label,
                significant(timing.ms_per_image),
                *map(significant, (timing.p50_ms, timing.p90_ms, timing.p99_ms)),
                significant(timing.images_per_second),
                number(timing.peak_memory_mb, 0),
                *speed,
            ]
        )
    return rows


def _disagreements(results: Results, word: str) -> str:
    """Whether early exit as it was run said what the exit tables say."""
    runs = [
        run for model in results.models for batch in timed_batches(model) for run in batch.dynamic
    ]
    if not runs:
        return ''
    count, images = sum(run.disagreements for run in runs), sum(run.images for run in runs)
    return (
        f'In these runs, {count:,} of {images:,} {word}s left at another exit or were answered '
        'otherwise than the exit tables say.'
    )


def _ratios(ratios: list[LatencyRatio]) -> str:
    """Whole networks timed side by side."""
    if not ratios:
        return ''
    rows = [
        [
            escaped(one.model, 60),
            escaped(one.baseline, 60),
            str(one.batch_size),
            number(one.ratio),
            span(one.interval),
        ]
        for one in ratios
    ]
    header = ['whole network of', 'against', 'batch', 'time ratio', '95 % interval']
    return table(header, rows, texts=3)


def _machine(results: Results) -> str:
    if results.timing is None:
        return ''
    machine = results.timing.machine
    facts = [escaped(machine.device), escaped(machine.kind)]
    facts += [f'{machine.threads} threads'] if machine.kind == 'cpu' else []
    facts += [escaped(machine.dtype), escaped(machine.memory_format)]
    facts += [f'{escaped(name)}: {escaped(value)}' for name, value in machine.states.items()]
    facts += [f'{escaped(name)} {escaped(value)}' for name, value in machine.versions.items()]
    return f'Timed {escaped(results.timing.created)} on {"; ".join(facts)}.'
