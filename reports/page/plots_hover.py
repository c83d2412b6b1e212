"""What the curve chart tells about the mark that a reader points at; lines of plotly's HTML."""

from benchmarks.curve_records import CurvePoint, ExitRecord, OperatingPoint
from benchmarks.latency_records import BatchLatency, DynamicLatency
from benchmarks.results import ModelResult

from ..axes import CostUnit
from ..labels import in_words, one_line
from ..times import batch_name, exit_ms, measured, predicted_ms, timed_batches
from ..timing_quality import known_percentile
from .numbers import confidence_text, significant, sure
from .plots_layout import shown, wrapped


def point_text(name: str, model: ModelResult, point: CurvePoint, unit: CostUnit) -> str:
    """One budget: accuracy, cost, control, and per exit share and threshold."""
    lines = [f'<b>{shown(name, 60)}</b>', *_result_lines(model, point, unit)]
    return '<br>'.join([*lines, *_exit_lines(model, point, model.confidence)])


def operating_text(name: str, model: ModelResult, policy: OperatingPoint, unit: CostUnit) -> str:
    """A single policy: how it was made, and what a budget tells."""
    lines = [
        f'<b>{shown(policy.name, 60)}</b>',
        shown(name, 60),
        shown(f'{in_words(policy.method)}, {in_words(policy.measure)}', 90),
        *wrapped(settings_text(policy.settings)),
        *_result_lines(model, policy.point, unit),
        *_exit_lines(model, policy.point, policy.measure),
    ]
    return '<br>'.join(lines)


def settings_text(settings: dict[str, object]) -> str:
    """A method's settings on one line."""
    texts = (
        f'{in_words(key)}\N{NO-BREAK SPACE}{value:.6g}'
        if isinstance(value, float)
        else f'{in_words(key)} {value}'
        for key, value in settings.items()
    )
    return one_line(', '.join(texts), 200)


def exit_text(name: str, model: ModelResult, exit: ExitRecord, unit: CostUnit) -> str:
    """One exit when every sample leaves there."""
    place = model.exits.index(exit)
    lines = [
        f'<b>{shown(exit.name, 40)}</b>, every {unit.sample} leaves here',
        shown(name, 60),
        unit.cost(exit.gmacs),
        f'top-1 <b>{exit.test_top1_percent:.2f} %</b> ({sure(exit.test_top1_interval, 2)})',
        f'mean class accuracy {exit.mean_class_percent:.2f} %',
    ]
    lines += [
        f'{significant(exit_ms(model, batch)[place])} ms per {unit.sample}, '
        f'{batch_name(batch.batch_size, unit.sample)}'
        for batch in timed_batches(model)
    ]
    return '<br>'.join(lines)


def measured_text(
    name: str, point: CurvePoint, batch: BatchLatency, run: DynamicLatency, unit: CostUnit
) -> str:
    """A run of real early exit."""
    timing = run.timing
    percentiles = [f'p50 {significant(timing.p50_ms)}']
    for percent in (90, 99):
        if (value := known_percentile(timing, percent)) is not None:
            percentiles.append(f'p{percent} {significant(value)}')
    return '<br>'.join(
        [
            f'<b>{shown(name, 60)}</b>, really run, {batch_name(batch.batch_size, unit.sample)}',
            f'{significant(timing.ms_per_image)} ms per {unit.sample} '
            f'(predicted {significant(run.predicted_ms_per_image)})',
            f'{", ".join(percentiles)} ms per batch',
            f'{run.realised_speedup:.2f} times as fast as the full network '
            f'({sure(run.realised_interval, 2)})',
            f'top-1 {point.top1_percent:.2f} % with these thresholds',
        ]
    )


def oracle_text(name: str, model: ModelResult, unit: CostUnit) -> str:
    """The bound that no choice of exits can exceed."""
    best = model.statistics
    return '<br>'.join(
        [
            f'<b>oracle</b>: each {unit.sample} leaves at the first exit that has it right',
            shown(name, 60),
            f'{unit.cost(best.oracle_gmacs_mean)} on average',
            f'top-1 {best.oracle_top1_percent:.2f} %',
        ]
    )


def _result_lines(model: ModelResult, point: CurvePoint, unit: CostUnit) -> list[str]:
    """Accuracy, cost, control, time."""
    lines = [
        f'top-1 <b>{point.top1_percent:.2f} %</b> ({sure(point.top1_interval, 2)})',
        f'{unit.cost(point.gmacs_mean)} on average (target {unit.cost(point.target_gmacs)})',
        f'random exits: {point.random_top1_percent:.2f} %',
    ]
    for batch in timed_batches(model):
        run = measured(batch, point)
        text = f'{significant(predicted_ms(model, batch, point))} ms per {unit.sample} predicted'
        if run:
            text += f', {significant(run.timing.ms_per_image)} measured'
        lines.append(f'{text}, {batch_name(batch.batch_size, unit.sample)}')
    return lines


def _exit_lines(model: ModelResult, point: CurvePoint, measure: str) -> list[str]:
    """Who leaves where."""
    if len(model.exits) == 1:
        return []
    lines = ['leaving at']
    for exit in model.exits:
        line = f'{shown(exit.name, 24)}: {100 * point.exit_shares[exit.name]:.1f} %'
        if exit.name in point.thresholds:
            threshold = confidence_text(point.thresholds[exit.name], measure)
            words = '' if threshold in ('closed', 'all') else 'threshold '
            line += f', {words}{threshold}'
        lines.append(line)
    return lines
