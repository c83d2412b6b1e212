"""The latency section: every exit's time, and whether saved multiply-adds became saved time."""

import math
from dataclasses import dataclass

from benchmarks.curve_records import CurvePoint
from benchmarks.latency_records import BatchLatency, DynamicLatency, ExitLatency, Timing
from benchmarks.results import ModelResult

from ..times import batch_name, exit_ms, predicted_ms, timed_batches
from ..timing_quality import known_percentile
from .numbers import between, number, significant, speedup
from .page_panels import PagePanel
from .svg import plain, ticks

WIDTH, HEIGHT = 300, 168
"""Of the plane of a speed-up drawing, in CSS pixels."""

SPREAD_WIDTH = 120


@dataclass(frozen=True)
class Spread:
    """All repeats of one exit as a line from the fastest to p99, in pixels.

    Where p90 or p99 is not known, it is where the one before is.
    """

    low: float
    p50: float
    p90: float
    p99: float


@dataclass(frozen=True)
class ExitTime:
    """A row of the table of exits."""

    record: ExitLatency
    spread: Spread


@dataclass(frozen=True)
class Run:
    """Real early exit at one budget; pixels are those of the drawing."""

    record: DynamicLatency
    x: float
    predicted_y: float
    y: float
    low_y: float
    high_y: float
    speedup: str
    interval: str
    text: str


@dataclass(frozen=True)
class BatchView:
    """One model at one batch size.

    Attributes:
        predicted: SVG path of the predicted speed-up along the curve; empty without one.
        x_ticks: (pixels, text); ``y_ticks`` likewise.
        even_y: Where a speed-up of 1 is.
    """

    size: int
    name: str
    exits: list[ExitTime]
    runs: list[Run]
    predicted: str
    x_ticks: list[tuple[float, str]]
    y_ticks: list[tuple[float, str]]
    even_y: float


@dataclass(frozen=True)
class ModelTimes:
    """One model; ``model`` is its index in the panel."""

    model: int
    batches: list[BatchView]


def model_times(panel: PagePanel) -> list[ModelTimes]:
    """Of the models that were timed."""
    return [
        ModelTimes(i, [_batch_view(model, batch, panel) for batch in timed_batches(model)])
        for i, model in enumerate(panel.models)
        if timed_batches(model)
    ]


def latency_finding(panel: PagePanel) -> str:
    """What early exit is worth in time.

    Of one model: the largest batch, the run nearest to the middle of its budgets. Of several: how
    many runs are faster than the full network at the largest batch.
    """
    if len(panel.models) > 1:
        return _finding_of_several(panel)
    if not timed_batches(panel.models[0]):
        return ''
    batch = timed_batches(panel.models[0])[-1]
    early = [run for run in batch.dynamic if max(run.exit_shares.values()) < 1]
    if not early:
        return 'How long each exit takes'
    runs = sorted(early, key=lambda run: run.gmacs_mean)
    run = runs[len(runs) // 2]
    return (
        f'At {panel.unit.cost(run.gmacs_mean)} it runs {run.realised_speedup:.2f} times as fast as '
        f'the full network, {batch_name(batch.batch_size, panel.unit.sample)}; predicted were '
        f'{run.predicted_speedup:.2f} times'
    )


def _finding_of_several(panel: PagePanel) -> str:
    """Runs of all models at their largest batch, by what their intervals say."""
    batches = [timed[-1] for model in panel.models if (timed := timed_batches(model))]
    size = max((batch.batch_size for batch in batches if batch.dynamic), default=None)
    runs = [run for batch in batches if batch.batch_size == size for run in batch.dynamic]
    if not runs:
        return 'How long each exit takes'
    faster = sum(run.realised_interval.low > 1 for run in runs)
    slower = sum(run.realised_interval.high < 1 for run in runs)
    parts = [f'{faster} of {len(runs)} runs of early exit are faster than the full network']
    parts += [f'{slower} slower'] if slower else []
    if unclear := len(runs) - faster - slower:
        parts.append(f'{unclear} cannot be told from it')
    where = batch_name(size, panel.unit.sample)
    return f'{where[0].upper()}{where[1:]}, {", ".join(parts)}'


def _batch_view(model: ModelResult, batch: BatchLatency, panel: PagePanel) -> BatchView:
    points = sorted(model.points, key=lambda point: point.gmacs_mean)
    per_giga = panel.unit.per_giga
    line = [(p.gmacs_mean * per_giga, _predicted_speedup(model, batch, p)) for p in points]
    costs = [x for x, _ in line] + [run.gmacs_mean * per_giga for run in batch.dynamic]
    heights = [1.0, *(y for _, y in line)]
    for run in batch.dynamic:
        ends = run.realised_interval
        heights += [run.predicted_speedup, run.realised_speedup, ends.low, ends.high]
    x_low, x_high = _range(costs)
    y_low, y_high = _range([*heights, 0.9 * min(heights)])

    def to_x(gmacs: float) -> float:
        return WIDTH * (gmacs - x_low) / (x_high - x_low)

    def to_y(value: float) -> float:
        return HEIGHT * (1 - (value - y_low) / (y_high - y_low))

    return BatchView(
        size=batch.batch_size,
        name=batch_name(batch.batch_size, panel.unit.sample),
        exits=_exit_times(model, batch),
        runs=[
            _run(run, to_x(run.gmacs_mean * per_giga), to_y, panel)
            for run in sorted(batch.dynamic, key=lambda run: run.target_gmacs)
        ],
        predicted='M' + 'L'.join(f'{to_x(x):.1f} {to_y(y):.1f}' for x, y in line)
        if len(line) > 1
        else '',
        x_ticks=[(to_x(value), plain(value)) for value in ticks(x_low, x_high, 5)],
        y_ticks=[(to_y(value), plain(value)) for value in ticks(y_low, y_high, 5)],
        even_y=to_y(1.0),
    )


def _predicted_speedup(model: ModelResult, batch: BatchLatency, point: CurvePoint) -> float:
    predicted = predicted_ms(model, batch, point)
    return exit_ms(model, batch)[-1] / predicted if predicted else 1.0


def _run(run: DynamicLatency, x: float, to_y, panel: PagePanel) -> Run:
    interval = between(run.realised_interval)
    return Run(
        record=run,
        x=x,
        predicted_y=to_y(run.predicted_speedup),
        y=to_y(run.realised_speedup),
        low_y=to_y(run.realised_interval.low),
        high_y=to_y(run.realised_interval.high),
        speedup=speedup(run.realised_speedup),
        interval=interval,
        text=f'{panel.unit.cost(run.gmacs_mean)}: {speedup(run.realised_speedup)} '
        f'({interval}), predicted {speedup(run.predicted_speedup)}',
    )


def _exit_times(model: ModelResult, batch: BatchLatency) -> list[ExitTime]:
    """The exits in the order of the model, their spreads on one scale from 0."""
    records = {record.exit: record for record in batch.exits}
    chosen = [records[exit.name] for exit in model.exits]
    spreads = [_quantiles(record.timing) for record in chosen]
    most = max(spread[-1] for spread in spreads) or 1.0
    return [
        ExitTime(record, Spread(*(SPREAD_WIDTH * min(value / most, 1.0) for value in spread)))
        for record, spread in zip(chosen, spreads, strict=True)
    ]


def _quantiles(timing: Timing) -> tuple[float, ...]:
    """The fastest, p50, p90 and p99 in milliseconds."""
    p50 = timing.p50_ms
    p90 = p50 if (value := known_percentile(timing, 90)) is None else value
    p99 = p90 if (value := known_percentile(timing, 99)) is None else value
    return min(timing.samples_ms, default=p50), p50, p90, p99


def _range(values: list[float]) -> tuple[float, float]:
    """With a margin, also where all values are equal."""
    low, high = min(values), max(values)
    margin = 0.06 * (high - low) or 0.1 * abs(high) or 1.0
    return low - margin, high + margin


def throughput(images_per_second: float) -> str:
    """Images per second without decimals where there are many."""
    if not math.isfinite(images_per_second):
        return number(None)
    if images_per_second >= 1000:
        return f'{images_per_second:,.0f}'
    return significant(images_per_second)
