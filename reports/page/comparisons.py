"""Model against model: a sentence and a dot with its interval for every pair."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

from benchmarks.interval import Interval
from benchmarks.latency_records import LatencyRatio
from benchmarks.results import Comparison

from ..axes import CostUnit
from ..comparisons import turned
from ..labels import one_line
from ..times import batch_name
from .numbers import TIMES, significant, sure
from .page_panels import PagePanel
from .svg import plain, ticks

WIDTH = 200
"""Of a dot's scale in CSS pixels; there is a margin of 6 inside."""


@dataclass(frozen=True)
class Scale:
    """A horizontal scale that all dots of a column share.

    Attributes:
        neutral: Pixels of the value that says "no difference".
        ticks: (pixels, text) of round numbers.
    """

    low: float
    high: float
    logarithmic: bool
    neutral: float
    ticks: list[tuple[float, str]]

    def pixel(self, value: float) -> float:
        """Place of a value."""
        low, high, value = (self._along(v) for v in (self.low, self.high, value))
        part = (value - low) / (high - low)
        return 6 + (WIDTH - 12) * min(max(part, 0.0), 1.0)

    def _along(self, value: float) -> float:
        return math.log(value) if self.logarithmic else value


@dataclass(frozen=True)
class Estimate:
    """A sentence with the dot that belongs to it.

    Attributes:
        sure: Whether the interval excludes "no difference".
        dot: The estimate; None where there is none, as ``low`` and ``high`` are.
    """

    sentence: str
    sure: bool
    dot: float | None = None
    low: float | None = None
    high: float | None = None


@dataclass(frozen=True)
class Row:
    """One pair of models."""

    cost: Estimate
    accuracy: Estimate
    refusal: str


def comparison_rows(panel: PagePanel) -> list[Row]:
    """Every pair; each half of a row begins with the model that is better there."""
    names = [one_line(name, 60) for name in panel.names]
    return [
        Row(
            cost=_cost(pair, names),
            accuracy=_accuracy(pair, names, panel.unit),
            refusal=one_line(pair.refusal, 300),
        )
        for pair in panel.results.comparisons
    ]


def ratio_estimates(panel: PagePanel) -> list[Estimate]:
    """The models' whole networks timed side by side; the faster one first."""
    names = {
        model.latency.name: one_line(name, 60)
        for name, model in zip(panel.names, panel.models, strict=True)
        if model.latency is not None
    }
    ratios = panel.results.timing.ratios if panel.results.timing else []
    return [
        _speed(ratio, names, panel.unit.sample)
        for ratio in ratios
        if ratio.model in names and ratio.baseline in names
    ]


def shared_scale(estimates: Sequence[Estimate], logarithmic: bool) -> Scale:
    """From "no difference" to the largest value, intervals included."""
    neutral = 1.0 if logarithmic else 0.0
    values = [neutral]
    for estimate in estimates:
        values += [v for v in (estimate.dot, estimate.low, estimate.high) if v is not None]
    low, high = min(values), max(values)
    if logarithmic:
        low, high = low / 1.04, max(high * 1.04, 1.2)
    else:
        low, high = low - 0.04 * (high - low), max(high + 0.04 * (high - low), 0.5)
    scale = Scale(low, high, logarithmic, 0.0, [])
    marks = [
        (scale.pixel(value), plain(value) + (TIMES if logarithmic else ''))
        for value in ticks(low, high, 4)
    ]
    return Scale(low, high, logarithmic, scale.pixel(neutral), marks)


def _cost(pair: Comparison, names: list[str]) -> Estimate:
    """Who needs fewer MACs for the same accuracy."""
    if pair.cost_ratio is None:
        return Estimate(f'{names[pair.model]} and {names[pair.baseline]}: not compared', False)
    if pair.cost_ratio < 1:
        pair = turned(pair)
    ratio, interval = pair.cost_ratio, pair.cost_ratio_interval
    one, other = names[pair.model], names[pair.baseline]
    numbers = _interval_text(interval)
    at = f'at equal accuracy, {pair.top1_percent:.1f} %'
    if interval is None or interval.low > 1:
        said = f'{one} needs {_factor(ratio)} fewer MACs than {other} {at} ({numbers})'
    else:
        said = (
            f'{one} and {other} need about the same MACs {at}: '
            f'a factor of {_factor(ratio)} ({numbers})'
        )
    return Estimate(said, interval is not None and interval.low > 1, ratio, *_ends(interval))


def _accuracy(pair: Comparison, names: list[str], unit: CostUnit) -> Estimate:
    """Who is more accurate at the same cost."""
    if pair.top1_difference is None:
        return Estimate('', False)
    if pair.top1_difference < 0:
        pair = turned(pair)
    difference, interval = pair.top1_difference, pair.top1_difference_interval
    one, other = names[pair.model], names[pair.baseline]
    at = f'at equal cost, {unit.cost(pair.gmacs)}'
    if interval is None or interval.low > 0:
        said = f'{one} is {difference:.1f} points more accurate than {other} {at}'
    else:
        said = f'{one} and {other} are about equally accurate {at}: {difference:.1f} points apart'
    said += f' ({sure(interval)})'
    return Estimate(said, interval is not None and interval.low > 0, difference, *_ends(interval))


def _speed(ratio: LatencyRatio, names: dict[str, str], sample: str) -> Estimate:
    """Whose whole network is faster."""
    one, other = names[ratio.model], names[ratio.baseline]
    value, interval = ratio.ratio, ratio.interval
    if value < 1 and interval.low > 0:
        interval = Interval(1 / interval.high, 1 / interval.low)
        value = 1 / value
        one, other = other, one
    numbers = _interval_text(interval)
    at = batch_name(ratio.batch_size, sample)
    if interval.low > 1:
        said = f'{one} takes {_factor(value)} as long as {other}, {at} ({numbers})'
    else:
        said = f'{one} and {other} take about equally long, {at}: {_factor(value)} ({numbers})'
    return Estimate(said, interval.low > 1, value, *_ends(interval))


def _factor(value: float) -> str:
    return f'{value:.2f}{TIMES}' if value < 10 else significant(value) + TIMES


def _interval_text(interval: Interval | None) -> str:
    return sure(interval, 2)


def _ends(interval: Interval | None) -> tuple[float | None, float | None]:
    return (None, None) if interval is None else (interval.low, interval.high)
