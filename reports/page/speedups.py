"""The section on saved multiply-adds that became saved time, or did not."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from ..labels import one_line
from ..latency import batch_latency
from ..speedups import (
    PUBLISHED_MACS,
    SpeedUp,
    machine_words,
    payoff_findings,
    speedup_finding,
    speedups,
)
from ..times import batch_name, batch_sizes, timed_batches
from .numbers import between, speedup
from .page_panels import PagePanel
from .svg import plain, ticks

SIDE = 240
"""Of the square where realised speed-up stands against predicted, in CSS pixels."""


@dataclass(frozen=True)
class Mark:
    """One run in the drawing, in pixels; ``expected_y`` is what the exits' times predict."""

    x: float
    y: float
    low_y: float
    high_y: float
    expected_y: float
    half: bool
    text: str


@dataclass(frozen=True)
class Line:
    """The runs of a model; ``model`` is its index in the panel, ``path`` an SVG path."""

    model: int
    path: str
    marks: list[Mark]


@dataclass(frozen=True)
class Drawing:
    """All models of a panel at one batch size; both axes have the same scale.

    Attributes:
        ticks: (speed-up in pixels from the left, text).
        even: Where a speed-up of 1 is, in pixels from the left.
    """

    name: str
    lines: list[Line]
    ticks: list[tuple[float, str]]
    even: float


@dataclass(frozen=True)
class RunGroup:
    """Rows of the table: one model at one batch size."""

    model: int
    name: str
    runs: list[SpeedUp]


@dataclass(frozen=True)
class SpeedupView:
    """What the section says.

    Attributes:
        machine: Empty where it is not known.
        macs: How they were counted.
    """

    finding: str
    machine: str
    macs: str
    payoffs: list[str]
    drawings: list[Drawing]
    groups: list[RunGroup]


def speedup_view(panel: PagePanel) -> SpeedupView | None:
    """None where early exit was not timed."""
    sample = panel.unit.sample
    groups = [
        RunGroup(i, batch_name(batch.batch_size, sample), speedups(batch))
        for i, model in enumerate(panel.models)
        for batch in timed_batches(model)
        if batch.dynamic
    ]
    if not groups:
        return None
    timing = panel.results.timing
    names = [one_line(name, 60) for name in panel.names]
    return SpeedupView(
        finding=speedup_finding(panel.models),
        machine=machine_words(timing.machine) if timing is not None else '',
        macs=PUBLISHED_MACS,
        payoffs=payoff_findings(panel.models, names, panel.unit),
        drawings=[
            drawing
            for size in batch_sizes(panel.models)
            if (drawing := _drawing(panel, size)) is not None
        ],
        groups=groups,
    )


def _drawing(panel: PagePanel, size: int) -> Drawing | None:
    """None where early exit of no model was timed at that size."""
    batches = [(i, batch_latency(model, size)) for i, model in enumerate(panel.models)]
    runs = {i: speedups(batch) for i, batch in batches if batch is not None and batch.dynamic}
    if not runs:
        return None
    seen = [1.0]
    for one in (one for of_model in runs.values() for one in of_model):
        interval = one.run.realised_interval
        seen += [one.by_macs, one.run.predicted_speedup, one.run.realised_speedup]
        seen += [interval.low, interval.high]
    margin = 0.06 * (max(seen) - min(seen)) or 0.1
    low, high = min(seen) - margin, max(seen) + margin

    def pixel(value: float) -> float:
        return SIDE * (value - low) / (high - low)

    return Drawing(
        name=batch_name(size, panel.unit.sample),
        lines=[_line(i, of_model, pixel, panel) for i, of_model in runs.items()],
        ticks=[(pixel(value), plain(value)) for value in ticks(low, high, 5)],
        even=pixel(1.0),
    )


def _line(
    model: int, runs: Sequence[SpeedUp], pixel: Callable[[float], float], panel: PagePanel
) -> Line:
    marks = [_mark(one, pixel, panel) for one in runs]
    path = 'M' + 'L'.join(f'{mark.x:.1f} {mark.y:.1f}' for mark in marks)
    return Line(model, path, marks)


def _mark(one: SpeedUp, pixel: Callable[[float], float], panel: PagePanel) -> Mark:
    run = one.run
    interval = run.realised_interval
    return Mark(
        x=pixel(one.by_macs),
        y=SIDE - pixel(run.realised_speedup),
        low_y=SIDE - pixel(interval.low),
        high_y=SIDE - pixel(interval.high),
        expected_y=SIDE - pixel(run.predicted_speedup),
        half=one.is_half,
        text=f'{panel.unit.cost(run.gmacs_mean)}: {speedup(run.realised_speedup)} '
        f'({between(interval)}), {one.share_percent} % of the {speedup(one.by_macs)} that MACs '
        f'predict; {one.verdict}',
    )
