"""Pairs of detectors that were measured on the same test images: who is better, who needs less."""

from collections.abc import Sequence
from itertools import combinations

from ..detection_records import DetectorComparison
from .detector_curve import MeasuredDetector
from .map_bootstrap import difference_interval


def compare_detectors(detectors: Sequence[MeasuredDetector]) -> list[DetectorComparison]:
    """Every pair of detectors with the same test split.

    Each is taken at the scale of its highest mAP on the calibration split. The interval is of the
    difference in the same bootstrap draws of the test images. Where the two know other objects in
    these images, or none at all, there is no difference to tell.
    """
    return [
        _compare(a, b, detectors[a], detectors[b])
        for a, b in combinations(range(len(detectors)), 2)
        if detectors[a].result.test.sha256 == detectors[b].result.test.sha256
    ]


def _compare(
    a: int, b: int, model: MeasuredDetector, baseline: MeasuredDetector
) -> DetectorComparison:
    ours, theirs = model.best, baseline.best
    maps = [one.on_test.metrics.map_percent for one in (ours, theirs)]
    is_told = None not in maps and ours.test.has_truth_of(theirs.test)
    difference = maps[0] - maps[1] if is_told else None
    draws = ours.draws.map_percent - theirs.draws.map_percent
    return DetectorComparison(
        model=a,
        baseline=b,
        scale=list(ours.scale),
        baseline_scale=list(theirs.scale),
        cost_ratio=float(theirs.test.macs.sum() / ours.test.macs.sum()),
        map_difference=difference,
        map_difference_interval=difference_interval(difference, draws),
    )
