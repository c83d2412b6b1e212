"""Published detectors, beside which ours on the same data can be put; each with its source."""

from collections.abc import Sequence
from dataclasses import dataclass

from benchmarks.detection_records import DetectorResult

_SOURCE = (
    'Dynamic Perceiver, arXiv 2306.11248: RetinaNet on COCO, 12 epochs; backbone MACs at 1280x800, '
    'normalisation layers counted, early exit not used'
)


@dataclass(frozen=True)
class PublishedDetector:
    """One published detector.

    Attributes:
        name: Of its backbone.
        backbone_gmacs: Multiply-adds of the backbone at 1280x800.
        map_percent: On COCO's val2017; the next three by the size of the objects, where known.
        source: Where the numbers come from, in words.
    """

    name: str
    backbone_gmacs: float
    map_percent: float
    ap_small_percent: float | None = None
    ap_medium_percent: float | None = None
    ap_large_percent: float | None = None
    source: str = _SOURCE


COCO = (
    PublishedDetector('RegNet-X-1.6GF', 33.2, 37.4),
    PublishedDetector('RegNet-Y-1.6GF', 33.4, 38.5),
    PublishedDetector('RegNet-X-3.2GF', 65.5, 39.0),
    PublishedDetector('RegNet-Y-3.2GF', 66.0, 39.3),
    PublishedDetector('Dyn-Perceiver, RegNet-Y-1.6GF', 38.1, 40.2, 24.1, 43.9, 53.0),
)
"""RetinaNet on COCO 2017."""

COCO_TEST_IMAGES, COCO_CLASSES = 5000, 80


def published_detectors(detectors: Sequence[DetectorResult]) -> tuple[PublishedDetector, ...]:
    """What has been published on the data of some detectors; empty for other data."""
    return COCO if any(map(_is_coco, detectors)) else ()


def _is_coco(detector: DetectorResult) -> bool:
    """All of val2017 with all classes, in a folder that is named after COCO."""
    return (
        detector.test.samples == COCO_TEST_IMAGES
        and len(detector.classes) == COCO_CLASSES
        and 'coco' in detector.dataset.partition(' ')[2].lower()
    )
