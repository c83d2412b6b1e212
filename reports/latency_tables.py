"""Measured times as text: exits, early exit at every budget, reading, models against each other.

Of detectors: every scale, backbone, neck and head apart.
"""

import math
import textwrap
from pathlib import PurePath

from benchmarks.detection.scales import scale_name
from benchmarks.detection_records import PARTS, DetectorLatency
from benchmarks.latency_records import (
    Agreement,
    BatchLatency,
    LatencyFile,
    MachineRecord,
    ModelLatency,
)
from benchmarks.timing_records import StageTime, Timing

from .agreement import agreement_finding, agreement_rows
from .costs.tables import Unit, unit_for
from .labels import counted, one_line
from .latency_data import (
    CONDITIONS,
    DataBalance,
    data_balance,
    data_finding,
    reading_text,
    sample_of,
)
from .speedups import SpeedUp, machine_words
from .text_tables import aligned_rows
from .times import batch_name
from .timing_quality import known_percentile
from .tuning import tuned, tuning_lines


def latency_text(record: LatencyFile) -> str:
    """All tables, headed by where the times were taken."""
    blocks = [_headline(record.machine)]
    blocks += ['\n'.join(tuning_lines(model, found)) for model, found in tuned(record.models)]
    for model in record.models:
        unit = unit_for([round(1e9 * exit.gmacs) for exit in model.batches[0].exits])
        blocks += ['\n'.join(_batch_lines(model, batch, unit)) for batch in model.batches]
        if model.agreement is not None:
            blocks.append('\n'.join(_agreement_lines(model, model.agreement, record.machine, unit)))
        if (balance := data_balance(model)) is not None:
            blocks.append('\n'.join(_data_lines(model, balance)))
    if record.ratios:
        blocks.append('\n'.join(_ratio_lines(record)))
    blocks += ['\n'.join(_detector_lines(detector)) for detector in record.detectors]
    return '\n\n'.join(blocks)


def _headline(machine: MachineRecord) -> str:
    load = machine.states.get('load, 1 minute')
    before = f', load {load} before' if load else ''
    return f'{machine_words(machine)}{before}; medians of rounds'


def _batch_lines(model: ModelLatency, batch: BatchLatency, unit: Unit) -> list[str]:
    """One model at one batch size."""
    name, macs = one_line(model.name, 90), unit.title('MACs')
    word = sample_of(model)
    size = f'batches of {batch.batch_size}' if batch.batch_size > 1 else f'one {word.one} at a time'
    exits = [[f'every {word.one} at', macs, f'ms/{word.one}', f'{word.many}/s']]
    exits[0] += ['p50 ms', 'p90 ms', 'p99 ms', 'MiB']
    for exit in batch.exits:
        cost = unit.number(round(1e9 * exit.gmacs))
        exits.append([one_line(exit.exit, 24), cost, *_times(exit.timing)])
    lines = [f'{name}, {size}', *aligned_rows(exits, 24)]
    if batch.dynamic:
        titles = ['speed-up', '95 %', 'by exit times', 'by MACs', 'realised / by MACs']
        rows = [['each at its own exit', *exits[0][1:], *titles, 'unlike the table']]
        rows += [_dynamic_row(SpeedUp(run, batch.exits[-1].gmacs), unit) for run in batch.dynamic]
        lines += aligned_rows(rows, 24)
    return lines


def _dynamic_row(one: SpeedUp, unit: Unit) -> list[str]:
    run = one.run
    target = f'target {unit.number(round(1e9 * run.target_gmacs))}{", half" if one.is_half else ""}'
    wrong = f'{run.disagreements} of {run.images}'
    if run.near_threshold:
        wrong += f' ({run.near_threshold} at a threshold)'
    return [
        one_line(PurePath(run.policy).name, 24) if run.policy else target,
        unit.number(round(1e9 * run.gmacs_mean)),
        *_times(run.timing),
        f'{run.realised_speedup:.2f}x',
        f'{run.realised_interval.low:.2f} to {run.realised_interval.high:.2f}',
        f'{run.predicted_speedup:.2f}x',
        f'{one.by_macs:.2f}x',
        f'{one.share_percent} %',
        wrong,
    ]


def _agreement_lines(
    model: ModelLatency, found: Agreement, machine: MachineRecord, unit: Unit
) -> list[str]:
    """Answers of one model against those in float32."""

    def cost(gmacs: float) -> str:
        return f'target {unit.number(round(1e9 * gmacs))}'

    rows = [['as in float32', 'same top-1', 'same exit']]
    rows += [
        [one_line(row.what, 48), row.same_top1, row.same_exit or '-']
        for row in agreement_rows(found, cost)
    ]
    sentence = f'{agreement_finding(model, machine)}.'
    return [one_line(model.name, 90), _wrapped(sentence), *aligned_rows(rows, 24)]


def _data_lines(model: ModelLatency, balance: DataBalance) -> list[str]:
    """How samples are made ready, beside the full network."""
    data, word = balance.data, balance.sample
    (whole,) = (
        batch.exits[-1].timing for batch in model.batches if batch.batch_size == balance.smallest
    )
    rows = [[f'ms for one {word}', 'mean', 'p50', 'p90']]
    rows += [
        ['reading', *_stage(data.reading)],
        ['other steps', *_stage(data.transforms)],
        ['data preprocessor', *_stage(data.preprocessing)],
    ]
    network = [_number(whole.ms_per_image), '-', '-']
    if balance.smallest == 1:
        network[1:] = [_number(whole.p50_ms), _tail(whole, 90)]
    rows.append([f'full network, {batch_name(balance.smallest, word)}', *network])
    heading = (
        f'{one_line(model.name, 90)}, from the file to the network: {counted(data.samples, word)}, '
        f'{data.passes} passes'
    )
    steps = ', '.join(data.transform_steps) or 'none'
    sentences = (
        f'{data_finding(balance)}.',
        f'Taken {CONDITIONS}. Reading: {one_line(reading_text(data), 200)}. Other steps: '
        f'{one_line(steps, 200)}.',
    )
    return [heading, *aligned_rows(rows, 24), *(_wrapped(sentence) for sentence in sentences)]


def _wrapped(sentence: str) -> str:
    return textwrap.fill(
        sentence, 100, initial_indent='  ', subsequent_indent='  ', break_on_hyphens=False
    )


def _stage(stage: StageTime) -> list[str]:
    return [_number(value) for value in (stage.mean_ms, stage.p50_ms, stage.p90_ms)]


def _times(timing: Timing) -> list[str]:
    """Per sample, then the percentiles of a batch, then memory."""
    memory, rate = timing.peak_memory_mb, timing.images_per_second
    return [
        _number(timing.ms_per_image),
        f'{rate:.0f}' if rate >= 10 else _number(rate),  # of videos there may be less than one
        _number(timing.p50_ms),
        *(_tail(timing, percent) for percent in (90, 99)),
        '-' if memory is None else f'{memory:.1f}',
    ]


def _tail(timing: Timing, percent: int) -> str:
    value = known_percentile(timing, percent)
    return '-' if value is None else _number(value)


def _number(value: float) -> str:
    """Three significant digits, no power of ten."""
    decimals = 2 - math.floor(math.log10(value)) if value > 0 else 0
    return f'{value:.{min(max(decimals, 0), 6)}f}'


def _ratio_lines(record: LatencyFile) -> list[str]:
    """Full networks against each other."""
    rows = [['full network: time of A / B', 'batch', 'ratio', '95 %']]
    for ratio in record.ratios:
        pair = f'{one_line(ratio.model, 40)} / {one_line(ratio.baseline, 40)}'
        interval = f'{ratio.interval.low:.2f} to {ratio.interval.high:.2f}'
        rows.append([pair, str(ratio.batch_size), f'{ratio.ratio:.2f}', interval])
    return aligned_rows(rows)


def _detector_lines(detector: DetectorLatency) -> list[str]:
    """One detector at all its scales."""
    rows = [['every image at', 'ms/image', 'images/s', 'p50 ms', 'p90 ms', 'p99 ms', 'MiB']]
    rows[0] += [f'{part} ms' for part in PARTS] + ['images']
    for point in detector.points:
        parts = [_number(point.parts_ms[part]) for part in PARTS]
        rows.append([scale_name(point.scale), *_times(point.timing), *parts, str(point.images)])
    heading = f'{one_line(detector.name, 90)}, one image at a time, to the boxes'
    lines = [heading, *aligned_rows(rows, 24)]
    known = [(point, point.data) for point in detector.points if point.data is not None]
    if known:
        made_ready = [['before that, mean ms at', 'reading', 'other steps', 'data preprocessor']]
        for point, data in known:
            stages = (data.reading, data.transforms, data.preprocessing)
            made_ready.append(
                [scale_name(point.scale), *(_number(stage.mean_ms) for stage in stages)]
            )
        lines += aligned_rows(made_ready, 24)
        lines.append(_wrapped(f'Taken {CONDITIONS}.'))
    return lines
