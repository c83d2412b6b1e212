"""What pairs of models say: which needs less, which is more accurate, or that it cannot be told.

The accuracy and the cost at which two models are compared come from the calibration split, the
numbers from the test split, and every claim from a paired 95 % interval.
"""

import math
from collections.abc import Callable, Sequence
from itertools import combinations

from benchmarks.interval import Interval
from benchmarks.results import Comparison, Results

from .axes import CostUnit, cost_unit
from .labels import one_line, series_names
from .panels import Panel, panel_of


def ahead(comparison: Comparison) -> int | None:
    """Which of two models is better: 1 the first, -1 the baseline, 0 too close to call.

    The interval of the difference in accuracy decides, and that of the costs where there is no
    such difference; where both are clear and contradict each other, the curves cross.

    Returns:
        None where the data do not say: the curves cross, or there is no interval.
    """
    signs = []
    for interval, neutral in (
        (comparison.top1_difference_interval, 0.0),
        (comparison.cost_ratio_interval, 1.0),
    ):
        if interval is not None:
            signs.append((interval.low > neutral) - (interval.high < neutral))
    if not signs or set(signs) == {1, -1}:
        return None
    return signs[0]


def pair_finding(comparison: Comparison, results: Results) -> str:
    """What one comparison says, in one sentence."""
    verdict = ahead(comparison)
    first, second = comparison.model, comparison.baseline
    if verdict == -1:
        comparison, first, second = turned(comparison), second, first
    names = [one_line(name, 60) for name in series_names(results)]
    first, second, unit = names[first], names[second], _unit(comparison, results)
    if verdict is None:
        return f'{first} and {second} cannot be compared: {_reason(comparison)}'
    if verdict == 0:
        return f'{first} and {second} are too close to call: {_closeness(comparison, unit)}'
    return _advantage(comparison, first, second, unit)


def panel_finding(panel: Panel, results: Results) -> str:
    """Which of several models is ahead of all others, if one is.

    Args:
        panel: At least two models.
        results: What was measured.
    """
    if len(panel.indices) == 2:
        comparison = find_comparison(results, *panel.indices)
        if comparison is not None:
            return pair_finding(comparison, results)
    verdicts = {
        (i, k): _verdict(results, i, k) for i in panel.indices for k in panel.indices if i != k
    }
    if all(verdict is None for verdict in verdicts.values()):
        return f'{len(panel.indices)} models, which cannot be compared with each other'
    leader = next((i for i in panel.indices if _all_are(1, verdicts, i)), None)
    if leader is not None:
        return _lead(leader, panel, results)
    unbeaten = [i for i in panel.indices if -1 not in _of(verdicts, i)]
    if len(unbeaten) == 2 and verdicts[tuple(unbeaten)] == 0:
        return pair_finding(find_comparison(results, *unbeaten), results)
    return f'None of the {len(panel.indices)} models is ahead of all others'


def find_comparison(results: Results, model: int, baseline: int) -> Comparison | None:
    """The comparison of two models, turned round if need be; None if there is none."""
    for comparison in results.comparisons:
        pair = comparison.model, comparison.baseline
        if pair == (model, baseline):
            return comparison
        if pair == (baseline, model):
            return turned(comparison)
    return None


def turned(comparison: Comparison) -> Comparison:
    """The same comparison with model and baseline swapped."""
    ratio, difference = comparison.cost_ratio, comparison.top1_difference
    return Comparison(
        model=comparison.baseline,
        baseline=comparison.model,
        top1_percent=comparison.top1_percent,
        cost_ratio=None if ratio is None else 1 / ratio,
        cost_ratio_interval=_swapped(comparison.cost_ratio_interval, lambda x: 1 / x),
        gmacs=comparison.gmacs,
        top1_difference=None if difference is None else -difference,
        top1_difference_interval=_swapped(comparison.top1_difference_interval, lambda x: -x),
        refusal=comparison.refusal,
    )


def comparisons_of(panel: Panel, results: Results) -> list[Comparison]:
    """One comparison for each pair of the panel's models that was compared."""
    found = (find_comparison(results, i, k) for i, k in combinations(panel.indices, 2))
    return [comparison for comparison in found if comparison is not None]


def _swapped(interval: Interval | None, turn: Callable[[float], float]) -> Interval | None:
    return None if interval is None else Interval(turn(interval.high), turn(interval.low))


def _verdict(results: Results, i: int, k: int) -> int | None:
    comparison = find_comparison(results, i, k)
    return None if comparison is None else ahead(comparison)


def _of(verdicts: dict[tuple[int, int], int | None], model: int) -> list[int | None]:
    """All verdicts about one model, seen from its side."""
    return [verdict for (i, _), verdict in verdicts.items() if i == model]


def _all_are(value: int, verdicts: dict[tuple[int, int], int | None], model: int) -> bool:
    return set(_of(verdicts, model)) == {value}


def _lead(leader: int, panel: Panel, results: Results) -> str:
    """The model that is ahead of all others, against the one that comes closest."""
    others = [find_comparison(results, leader, k) for k in panel.indices if k != leader]

    def distance(comparison: Comparison) -> float:
        interval = comparison.top1_difference_interval
        return math.inf if interval is None else interval.low

    closest = min(others, key=distance)
    names = [one_line(name, 60) for name in series_names(results)]
    unit = _unit(closest, results)
    advantage = _advantage(closest, 'it', names[closest.baseline], unit)
    count = 'both' if len(others) == 2 else f'all {len(others)}'
    return f'{names[leader]} is ahead of {count} others: {advantage}'


def _unit(comparison: Comparison, results: Results) -> CostUnit:
    return cost_unit(results, panel_of(comparison.model, results).models)


def _advantage(comparison: Comparison, first: str, second: str, unit: CostUnit) -> str:
    """By how much the first is better, which an interval says it is."""
    interval = comparison.cost_ratio_interval
    if interval is not None and interval.low > 1:
        ratio, low, high = rounded((comparison.cost_ratio, interval.low, interval.high), 2, 1.0)
        return (
            f'{first} needs {ratio}x fewer MACs than {second} at {comparison.top1_percent:.1f} % '
            f'accuracy (95 % interval {low} to {high})'
        )
    interval = comparison.top1_difference_interval
    numbers = (comparison.top1_difference, interval.low, interval.high)
    difference, low, high = rounded(numbers, 1, 0.0)
    return (
        f'{first} is {difference} points more accurate than {second} at '
        f'{unit.cost(comparison.gmacs)} per {unit.sample} (95 % interval {low} to {high})'
    )


def _closeness(comparison: Comparison, unit: CostUnit) -> str:
    """The interval that holds no difference."""
    interval = comparison.top1_difference_interval
    if interval is not None:
        low, high = rounded((interval.low, interval.high), 1, 0.0)
        return (
            f'a difference of {low} to {high} points at {unit.cost(comparison.gmacs)} per '
            f'{unit.sample} (95 % interval)'
        )
    interval = comparison.cost_ratio_interval
    low, high = rounded((interval.low, interval.high), 2, 1.0)
    return (
        f'{low} to {high}x fewer MACs at {comparison.top1_percent:.1f} % accuracy (95 % interval)'
    )


def _reason(comparison: Comparison) -> str:
    """Why there is no verdict."""
    intervals = comparison.cost_ratio_interval, comparison.top1_difference_interval
    if None not in intervals:
        return 'which is better depends on the budget'
    return 'their curves overlap too little'


def rounded(numbers: Sequence[float], decimals: int, neutral: float) -> list[str]:
    """Numbers with as many decimals as show on which side of ``neutral`` each of them lies."""
    while decimals < 6 and any(
        number != neutral and round(number, decimals) == neutral for number in numbers
    ):
        decimals += 1
    return [f'{number + 0.0:.{decimals}f}' for number in numbers]
