"""Model against model: a sentence and a dot with its interval for every pair."""

import math
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from benchmarks.interval import Interval
from benchmarks.latency_records import LatencyRatio
from benchmarks.results import Comparison

from ..axes import CostUnit
from ..comparisons import rounded, turned
from ..labels import one_line
from ..times import batch_name
from .numbers import MINUS, TIMES
from .page_panels import PagePanel
from .svg import plain, ticks

WIDTH = 200
"""Of a dot's scale in CSS pixels; there is a margin of 6 inside."""

LEAST_APART = 28
"""Of two ticks with text, in CSS pixels."""


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
        refusal: Why something of it is missing; empty if nothing is.
    """

    sentence: str
    sure: bool
    dot: float | None = None
    low: float | None = None
    high: float | None = None
    refusal: str = ''


@dataclass(frozen=True)
class Row:
    """One pair of models."""

    cost: Estimate
    accuracy: Estimate


def comparison_rows(panel: PagePanel) -> list[Row]:
    """Every pair; each half of a row begins with the model that is better there."""
    names = [one_line(name, 60) for name in panel.names]
    return [
        Row(cost=_cost(pair, names), accuracy=_accuracy(pair, names, panel.unit))
        for pair in panel.results.comparisons
    ]


def ratio_estimates(panel: PagePanel) -> list[Estimate]:
    """The models' full networks timed side by side; the faster one first."""
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


def refusals(pair: Comparison) -> tuple[str, str]:
    """Why something is missing at equal accuracy, and why at equal cost; empty if nothing is."""
    no_ratio, no_difference = (
        None in values
        for values in (
            (pair.cost_ratio, pair.cost_ratio_interval),
            (pair.top1_difference, pair.top1_difference_interval),
        )
    )
    if not (no_ratio and no_difference):
        return ('', pair.refusal) if no_difference else (pair.refusal, '')
    first, *second = re.split(r'; (?=no |the curves )', pair.refusal, maxsplit=1)
    return first, ''.join(second)


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
    marks = []
    for value in ticks(low, high, 4):
        x = scale.pixel(value)
        if not marks or x - marks[-1][0] >= LEAST_APART:
            marks.append((x, plain(value) + (TIMES if logarithmic else '')))
    return Scale(low, high, logarithmic, scale.pixel(neutral), marks)


def _cost(pair: Comparison, names: list[str]) -> Estimate:
    """Who needs fewer MACs for the same accuracy."""
    refusal = _rounded_reason(refusals(pair)[0], '{:.1f}'.format)
    if pair.cost_ratio is None:
        said = f'{names[pair.model]} and {names[pair.baseline]}: not compared at equal accuracy'
        return Estimate(said, False, refusal=one_line(refusal, 300))
    if pair.cost_ratio < 1:
        pair = turned(pair)
    interval = pair.cost_ratio_interval
    one, other = names[pair.model], names[pair.baseline]
    ratio, numbers = _factor(pair.cost_ratio, interval)
    at = f'at equal accuracy, {pair.top1_percent:.1f} %'
    if interval is None:
        said = f'{ratio}, without an interval: {one} may need fewer MACs than {other} {at}'
    elif interval.low > 1:
        said = f'{one} needs {ratio} fewer MACs than {other} {at} ({numbers})'
    else:
        said = f'{one} and {other} cannot be told apart {at}: {ratio} ({numbers})'
    certain = interval is not None and interval.low > 1
    return Estimate(
        said, certain, pair.cost_ratio, *_ends(interval), refusal=one_line(refusal, 300)
    )


def _accuracy(pair: Comparison, names: list[str], unit: CostUnit) -> Estimate:
    """Who is more accurate at the same cost."""
    refusal = _rounded_reason(refusals(pair)[1], unit.cost)
    if pair.top1_difference is None:
        said = f'{names[pair.model]} and {names[pair.baseline]}: not compared at equal cost'
        return Estimate(said, False, refusal=one_line(refusal, 300))
    if pair.top1_difference < 0:
        pair = turned(pair)
    difference, interval = pair.top1_difference, pair.top1_difference_interval
    one, other = names[pair.model], names[pair.baseline]
    at = f'at equal cost, {unit.cost(pair.gmacs)}'
    points, *ends = rounded([difference, *_known_ends(interval)], 1, 0.0)
    numbers = f'95 %: {" to ".join(ends)}'.replace('-', MINUS)
    if interval is None:
        said = f'{points} points, without an interval: {one} may be more accurate than {other} {at}'
    elif interval.low > 0:
        said = f'{one} is {points} points more accurate than {other} {at} ({numbers})'
    else:
        said = f'{one} and {other} cannot be told apart {at}: {points} points ({numbers})'
    certain = interval is not None and interval.low > 0
    return Estimate(said, certain, difference, *_ends(interval), refusal=one_line(refusal, 300))


def _speed(ratio: LatencyRatio, names: dict[str, str], sample: str) -> Estimate:
    """Whose full network is faster."""
    one, other = names[ratio.model], names[ratio.baseline]
    value, interval = ratio.ratio, ratio.interval
    if value < 1 and interval.low > 0:
        interval = Interval(1 / interval.high, 1 / interval.low)
        value = 1 / value
        one, other = other, one
    factor, numbers = _factor(value, interval)
    at = batch_name(ratio.batch_size, sample)
    if interval.low > 1:
        said = f'{one} takes {factor} as long as {other}, {at} ({numbers})'
    else:
        said = f'{one} and {other} cannot be told apart, {at}: {factor} ({numbers})'
    return Estimate(said, interval.low > 1, value, *_ends(interval))


def _factor(value: float, interval: Interval | None) -> tuple[str, str]:
    """A ratio and its interval with the same decimals, so that one contains the other."""
    values = [value, *_known_ends(interval)]
    ratio, *ends = rounded(values, 2 if value < 10 else 1, 1.0)
    return ratio + TIMES, f'95 %: {" to ".join(ends)}'


def _rounded_reason(reason: str, write: Callable[[float], str]) -> str:
    """A reason with numbers such as they are elsewhere on the page."""
    reason = re.sub(
        r'( (?:accuracy|cost|covers|to) )(\d+(?:\.\d+)?(?:e-?\d+)?)(?=\W|$)',
        lambda match: match[1] + write(float(match[2])),
        reason,
    )
    return re.sub(r'\d+\.\d{2,}(?= % \()', lambda match: f'{float(match[0]):.1f}', reason)


def _known_ends(interval: Interval | None) -> tuple[float, ...]:
    return () if interval is None else (interval.low, interval.high)


def _ends(interval: Interval | None) -> tuple[float | None, float | None]:
    return (None, None) if interval is None else (interval.low, interval.high)
