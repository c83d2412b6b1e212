"""What was timed of detectors, and whether images are made ready as fast."""

from collections.abc import Sequence

from benchmarks.detection_records import DetectorResult, ScalePoint
from benchmarks.timing_records import Timing

from ..labels import one_line
from ..latency_data import DataBalance, several_findings
from .panels import points_by_cost, scale_text


def detector_timings(detectors: Sequence[DetectorResult]) -> list[Timing]:
    """Of every scale that was timed."""
    return [
        point.latency.timing
        for detector in detectors
        for point in detector.points
        if point.latency is not None
    ]


def reading_finding(detectors: Sequence[DetectorResult], names: Sequence[str]) -> str:
    """Reading and preparing an image against each detector's dearest timed scale; may be empty.

    Args:
        detectors: Tested on the same images.
        names: One per detector.
    """
    balances = {}
    for detector, name in zip(detectors, names, strict=True):
        found = [(point, balance) for point in detector.points if (balance := _balance(point))]
        if found:
            point, balance = max(found, key=lambda pair: points_by_cost(detector).index(pair[0]))
            balances[f'{one_line(name, 60)} at {scale_text(point.scale)}'] = balance
    return several_findings(balances)


def _balance(point: ScalePoint) -> DataBalance | None:
    """None where it was not measured."""
    if point.latency is None or point.latency.data is None:
        return None
    return DataBalance(point.latency.data, 'image', {1: point.latency.timing.p50_ms})
