"""Detector against detector: a sentence and a dot with its interval for every pair."""

from dataclasses import dataclass

from benchmarks.detection_records import DetectorComparison

from ...comparisons import rounded
from ...detection.findings import better_first, macs_ratio
from ...detection.panels import scale_text
from ...labels import one_line
from ..comparisons import Estimate
from ..numbers import MINUS
from .panel import DetectionPanel


@dataclass(frozen=True)
class Pair:
    """One pair of detectors.

    Attributes:
        map: Whose mAP is higher.
        cost: At which scales, and at what ratio of MACs.
    """

    map: Estimate
    cost: str


def detector_pairs(panel: DetectionPanel) -> list[Pair]:
    """Every pair; a sentence begins with the detector that is better, as far as that is known."""
    names = [one_line(name, 60) for name in panel.names]
    pairs = [better_first(pair) for pair in panel.results.detector_comparisons]
    return [Pair(_map(pair, names), _cost(pair, names)) for pair in pairs]


def _map(pair: DetectorComparison, names: list[str]) -> Estimate:
    """Who detects better."""
    one, other = names[pair.model], names[pair.baseline]
    difference, interval = pair.map_difference, pair.map_difference_interval
    if difference is None:
        return Estimate(f'{one} and {other}: no difference of mAP can be told', False)
    if interval is None:
        points = rounded([difference], 1, 0.0)[0]
        said = f"{points} points, without an interval: {one}'s mAP may be above {other}'s"
        return Estimate(said, False, difference)
    points, *ends = rounded([difference, interval.low, interval.high], 1, 0.0)
    numbers = f'95 %: {" to ".join(ends)}'.replace('-', MINUS)
    sure = interval.low > 0
    if sure:
        said = f"{one}'s mAP is {points} points above {other}'s ({numbers})"
    else:
        said = f'{one} and {other} cannot be told apart: {points} points of mAP ({numbers})'
    return Estimate(said, sure, difference, interval.low, interval.high)


def _cost(pair: DetectorComparison, names: list[str]) -> str:
    """What each of the two costs beside the other."""
    scales = scale_text(pair.scale), scale_text(pair.baseline_scale)
    at = f'both at {scales[0]}' if scales[0] == scales[1] else f'at {scales[0]} against {scales[1]}'
    return f'{names[pair.model]} takes {macs_ratio(pair)}, {at}'
