"""Which detectors share axes, and which of a detector's scales a budget chooses."""

from collections.abc import Sequence
from dataclasses import dataclass

from benchmarks.detection_records import DetectorResult, ScalePoint
from benchmarks.results import Results

from ..axes import CostUnit, unit_of

TIMES = '\N{MULTIPLICATION SIGN}'


@dataclass(frozen=True)
class DetectorPanel:
    """Detectors whose average precisions may be compared.

    Attributes:
        indices: Into ``Results.detectors``, in that order.
        detectors: The detectors themselves.
    """

    indices: list[int]
    detectors: list[DetectorResult]


def detector_panels(results: Results) -> list[DetectorPanel]:
    """The detectors by task and test split, in order of first appearance."""
    groups: dict[tuple[str, str], list[int]] = {}
    for i, detector in enumerate(results.detectors):
        groups.setdefault((detector.task, detector.test.sha256), []).append(i)
    return [
        DetectorPanel(indices, [results.detectors[i] for i in indices])
        for indices in groups.values()
    ]


def detector_unit(detectors: Sequence[DetectorResult]) -> CostUnit:
    """What the costs of detectors that stand together are shown in."""
    costs = [point.gmacs_mean for detector in detectors for point in detector.points]
    return unit_of(costs, 'image')


def scale_text(scale: Sequence[int]) -> str:
    """A scale as sentences show it: the box that images are resized to fit into."""
    return TIMES.join(str(side) for side in scale)


def points_by_cost(detector: DetectorResult) -> list[ScalePoint]:
    """All scales, by rising cost on the calibration split."""
    return sorted(detector.points, key=lambda point: point.calibration_gmacs_mean)


def chosen_points(detector: DetectorResult) -> list[ScalePoint]:
    """The scales that some budget chooses, by rising cost; at least one.

    Where the calibration split says nothing of any scale, that is the cheapest one.
    """
    points = points_by_cost(detector)
    return [point for point in points if point.chosen] or points[:1]


def best_point(detector: DetectorResult) -> ScalePoint:
    """The scale with the best mAP on the calibration split: what no budget restricts."""
    return chosen_points(detector)[-1]


def backbone_gmacs(point: ScalePoint) -> float:
    """Mean cost of the backbone alone on the test split."""
    return sum(part.gmacs_mean for part in point.parts if part.part == 'backbone')
