"""What the numbers of detectors say, in one plain sentence each; every sentence is true of them.

Which scale a sentence speaks of is chosen on the calibration split; its numbers are those of the
test split, and it claims no difference that the paired 95 % interval leaves open.
"""

import math
from itertools import combinations

from benchmarks.detection_records import DetectorComparison, DetectorResult, ScalePoint
from benchmarks.interval import Interval
from benchmarks.results import Results

from ..axes import CostUnit
from ..comparisons import rounded
from ..labels import one_line, own_names
from .panels import (
    DetectorPanel,
    backbone_gmacs,
    best_point,
    chosen_points,
    detector_unit,
    scale_text,
)

NO_MAP = 'no mAP (the test images hold no object)'


def map_text(point: ScalePoint) -> str:
    """``mAP 31.2 %``, or that there is none."""
    value = point.test.map_percent
    return NO_MAP if value is None else f'mAP {value:.1f} %'


def detector_finding(detector: DetectorResult, unit: CostUnit) -> str:
    """What one detector's curve says: from the cheapest scale that is chosen to the best one."""
    cheapest, best = chosen_points(detector)[0], best_point(detector)
    if best.test.map_percent is None:
        return f'The detector has {NO_MAP}'
    end = f'{best.test.map_percent:.1f} % at {unit.cost(best.gmacs_mean)} per image'
    if cheapest is best or cheapest.test.map_percent is None:
        return f'mAP is {end}'
    start = f'{cheapest.test.map_percent:.1f} % at {unit.cost(cheapest.gmacs_mean)}'
    return f'mAP goes from {start} to {end}'


def cost_finding(point: ScalePoint, unit: CostUnit) -> str:
    """What a scale costs, the backbone's part and, where it was timed, its time."""
    said = (
        f'{unit.cost(point.gmacs_mean)} per image, '
        f'{unit.cost(backbone_gmacs(point))} of them in the backbone'
    )
    if point.latency is None:
        return said
    return f'{said}; {milliseconds(point.latency.timing.p50_ms)} per image'


def milliseconds(value: float) -> str:
    """A time in a sentence: three significant digits."""
    decimals = 2 - math.floor(math.log10(value)) if value > 0 else 0
    return f'{value:.{min(max(decimals, 0), 9)}f} ms'


def best_finding(detector: DetectorResult, unit: CostUnit) -> str:
    """What a detector reaches at its best scale, and at what cost."""
    point = best_point(detector)
    return f'{map_text(point)} at {scale_text(point.scale)}, with {cost_finding(point, unit)}'


def group_finding(panel: DetectorPanel, results: Results) -> str:
    """What the detectors that were tested on the same images say."""
    if len(panel.detectors) == 1:
        return detector_finding(panel.detectors[0], detector_unit(panel.detectors))
    if len(panel.indices) == 2:
        found = find_comparison(results, *panel.indices)
        return detector_pair_finding(found, results) if found else '2 detectors, not compared'
    leader = next((i for i in panel.indices if _leads(i, panel, results)), None)
    if leader is None:
        return f'None of the {len(panel.indices)} detectors is ahead of all others'
    others = [find_comparison(results, leader, k) for k in panel.indices if k != leader]
    closest = min(others, key=lambda found: found.map_difference_interval.low)
    names = [one_line(name, 60) for name in own_names(results.detectors)]
    count = 'both' if len(others) == 2 else f'all {len(others)}'
    advantage = _advantage(closest, 'its', names[closest.baseline])
    return f'{names[leader]} is ahead of {count} others: {advantage}'


def detector_pair_finding(comparison: DetectorComparison, results: Results) -> str:
    """What one comparison says, in one sentence; the better detector comes first."""
    comparison = better_first(comparison)
    names = [one_line(name, 60) for name in own_names(results.detectors)]
    first, second = names[comparison.model], names[comparison.baseline]
    interval = comparison.map_difference_interval
    if interval is None:
        return f'{first} and {second} cannot be compared: no interval of their difference in mAP'
    if interval.low > 0:
        return _advantage(comparison, f"{first}'s", second)
    low, high = rounded((interval.low, interval.high), 1, 0.0)
    return (
        f'{first} and {second} are too close to call: a difference of {low} to {high} points of '
        f'mAP (95 % interval); {first} takes {macs_ratio(comparison)}'
    )


def macs_ratio(comparison: DetectorComparison) -> str:
    """How many MACs the model takes, by those of the baseline."""
    ratio = comparison.cost_ratio
    factor, word = (ratio, 'fewer') if ratio >= 1 else (1 / ratio, 'the')
    return 'as many MACs' if f'{factor:.2f}' == '1.00' else f'{factor:.2f}x {word} MACs'


def find_comparison(results: Results, model: int, baseline: int) -> DetectorComparison | None:
    """The comparison of two detectors, turned round if need be; None if there is none."""
    for comparison in results.detector_comparisons:
        pair = comparison.model, comparison.baseline
        if pair == (model, baseline):
            return comparison
        if pair == (baseline, model):
            return turned(comparison)
    return None


def comparisons_of(panel: DetectorPanel, results: Results) -> list[DetectorComparison]:
    """One comparison for each pair of the panel's detectors that was compared."""
    found = (find_comparison(results, i, k) for i, k in combinations(panel.indices, 2))
    return [comparison for comparison in found if comparison is not None]


def better_first(comparison: DetectorComparison) -> DetectorComparison:
    """The same comparison, turned so that the model's mAP is at least the baseline's."""
    difference = comparison.map_difference
    return turned(comparison) if difference is not None and difference < 0 else comparison


def turned(comparison: DetectorComparison) -> DetectorComparison:
    """The same comparison with model and baseline swapped."""
    difference, interval = comparison.map_difference, comparison.map_difference_interval
    return DetectorComparison(
        model=comparison.baseline,
        baseline=comparison.model,
        scale=comparison.baseline_scale,
        baseline_scale=comparison.scale,
        cost_ratio=1 / comparison.cost_ratio,
        map_difference=None if difference is None else -difference,
        map_difference_interval=None
        if interval is None
        else Interval(-interval.high, -interval.low),
    )


def _leads(index: int, panel: DetectorPanel, results: Results) -> bool:
    """Whether a detector's mAP is surely above that of every other one."""
    found = [find_comparison(results, index, k) for k in panel.indices if k != index]
    intervals = [None if one is None else one.map_difference_interval for one in found]
    return all(interval is not None and interval.low > 0 for interval in intervals)


def _advantage(comparison: DetectorComparison, whose: str, second: str) -> str:
    """By how much the first is better, which an interval says it is."""
    interval = comparison.map_difference_interval
    numbers = (comparison.map_difference, interval.low, interval.high)
    difference, low, high = rounded(numbers, 1, 0.0)
    return (
        f"{whose} mAP is {difference} points above {second}'s (95 % interval {low} to {high}), "
        f'with {macs_ratio(comparison)}'
    )
