"""What was timed of detectors."""

from collections.abc import Sequence

from benchmarks.detection_records import DetectorResult
from benchmarks.latency_records import Timing


def detector_timings(detectors: Sequence[DetectorResult]) -> list[Timing]:
    """Of every scale that was timed."""
    return [
        point.latency.timing
        for detector in detectors
        for point in detector.points
        if point.latency is not None
    ]
