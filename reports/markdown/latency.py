"""The times in the Markdown report."""

from benchmarks.latency_records import BatchLatency, LatencyRatio, Timing
from benchmarks.results import ModelResult, Results

from ..axes import CostUnit, cost_unit
from ..labels import counted, one_line, series_names
from ..latency import common_batch_sizes, latency_finding, timed_budgets
from ..latency_data import CONDITIONS, data_balance, data_finding, reading_text
from ..panels import panel_of, sample_word
from ..times import batch_name, timed_batches
from ..timing_quality import known_percentile, timing_conditions, timing_warnings
from ..tuning import tuning_finding
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
        escaped(timing_conditions(results, results.models)),
        *(f'**{escaped(said)}.**' for said in timing_warnings(results, results.models)),
        '\n'.join(sentences),
        '![Accuracy against milliseconds, and realised against predicted speed-up](latency.png)',
        table(header, rows, texts=3),
        f"ms per {word} is the median of the rounds' means; a speed-up is the median over the "
        "rounds of the full network's time by the run's in the same round, so it is not the "
        'quotient of two rows. A dash: too few batches for that percentile.',
        _disagreements(results, word),
        _ratios(results.timing.ratios if results.timing else []),
        machine_text(results),
        '\n'.join(
            f'- **{name}**: {escaped(tuning_finding(model.latency.tuning), 300)}.'
            for name, model in zip(names, results.models, strict=True)
            if model.latency is not None and model.latency.tuning is not None
        ),
        *_data(names, results.models),
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
                significant(timing.p50_ms),
                *(_tail(timing, percent) for percent in (90, 99)),
                significant(timing.images_per_second),
                number(timing.peak_memory_mb, 0),
                *speed,
            ]
        )
    return rows


def _tail(timing: Timing, percent: int) -> str:
    value = known_percentile(timing, percent)
    return MISSING if value is None else significant(value)


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


def _data(names: list[str], models: list[ModelResult]) -> list[str]:
    """How samples are made ready, beside the full network; nothing where that was not timed."""
    rows, sentences, reading = [], [], {}
    for name, model in zip(names, models, strict=True):
        balance = data_balance(model.latency)
        if balance is None:
            continue
        data, size = balance.data, balance.smallest
        rows.append(
            [
                name,
                f'{data.samples} {balance.sample}{"" if data.samples == 1 else "s"}',
                *(significant(value) for value in (data.reading.mean_ms, data.reading.p90_ms)),
                significant(data.transforms.mean_ms),
                significant(data.preprocessing.mean_ms),
                significant(balance.network_ms[size]),
                batch_name(size, balance.sample),
            ]
        )
        sentences.append(f'- **{name}**: {escaped(data_finding(balance), 500)}.')
        reading[escaped(reading_text(data), 300)] = None
    if not rows:
        return []
    header = ['model', 'samples', 'read, mean ms', 'p90 ms', 'other steps, mean ms']
    header += ['data preprocessor, mean ms', 'full network, ms', 'run']
    return [
        '### From the file to the network',
        '\n'.join(sentences),
        table(header, rows, texts=2),
        f'Milliseconds for one sample, taken {CONDITIONS}. Reading is {"; or ".join(reading)}. '
        'Early exit makes the network faster, and so asks for more loader processes.',
    ]


def _ratios(ratios: list[LatencyRatio]) -> str:
    """Full networks timed side by side."""
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
    header = ['full network of', 'against', 'batch', 'time ratio', '95 % interval']
    return table(header, rows, texts=3)


def machine_text(results: Results) -> str:
    """Where and how the times were taken; empty where nothing was timed."""
    if results.timing is None:
        return ''
    machine = results.timing.machine
    facts = [escaped(machine.device), escaped(machine.kind)]
    facts += [counted(machine.threads, 'thread')] if machine.kind == 'cpu' else []
    facts += [escaped(machine.dtype), escaped(machine.ran_by)]
    facts += [f'{escaped(name)}: {escaped(value)}' for name, value in machine.states.items()]
    facts += [f'{escaped(name)} {escaped(value)}' for name, value in machine.versions.items()]
    return f'Timed {escaped(results.timing.created)} on {"; ".join(facts)}.'
