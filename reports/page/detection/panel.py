"""One part of the page: detectors that share a chart, with their names and unit."""

from dataclasses import dataclass, replace

from benchmarks.detection_records import DetectorResult
from benchmarks.results import Results

from ...axes import CostUnit
from ...detection.panels import detector_panels, detector_unit
from ...labels import own_names
from ...panels import subject


@dataclass(frozen=True)
class DetectionPanel:
    """Detectors that may be compared; a panel has its own axes, unit and budgets.

    Attributes:
        index: Among the panels of the page, whatever they show.
        results: The results of these detectors alone; comparisons count within them.
        names: One per detector, all different.
        unit: What costs are shown in.
    """

    index: int
    results: Results
    names: list[str]
    unit: CostUnit

    @property
    def detectors(self) -> list[DetectorResult]:
        """In the order of the results."""
        return self.results.detectors

    @property
    def subject(self) -> str:
        """Task, data and test split in a few words."""
        return subject(self.detectors)


def detection_panels(results: Results, first: int = 0) -> list[DetectionPanel]:
    """The detectors by test split, in order of first appearance; counted from ``first``."""
    return [
        _panel(first + k, results, panel.indices)
        for k, panel in enumerate(detector_panels(results))
    ]


def _panel(index: int, results: Results, chosen: list[int]) -> DetectionPanel:
    place = {detector: i for i, detector in enumerate(chosen)}
    part = replace(
        results,
        models=[],
        comparisons=[],
        detectors=[results.detectors[i] for i in chosen],
        detector_comparisons=[
            replace(pair, model=place[pair.model], baseline=place[pair.baseline])
            for pair in results.detector_comparisons
            if pair.model in place and pair.baseline in place
        ],
    )
    return DetectionPanel(index, part, own_names(part.detectors), detector_unit(part.detectors))
