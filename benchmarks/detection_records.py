"""One detector's operating points as records; parts of a `benchmarks.results.Results`.

Every field says its unit. AP is COCO's average precision in percent; costs are multiply-adds of one
image, as the network gets it: resized and padded.
"""

from dataclasses import dataclass

from .interval import Interval
from .run_records import FileRecord, SplitRecord, TrainingRecord
from .timing_records import DataTime, Timing

PARTS = ('backbone', 'neck', 'head')
"""Of a detector, in the order in which they run."""


@dataclass(frozen=True)
class PartCost:
    """What one part of a detector costs: mean and spread over the images of the test split.

    Attributes:
        part: One of `PARTS`.
        gmacs_mean: Multiply-adds of convolutions, linear layers and matrix products.
        gmacs_std: Standard deviation over the images.
        with_norm_gmacs_mean: With what fvcore counts of normalisation layers and the like, too, as
            detection papers quote it.
    """

    part: str
    gmacs_mean: float
    gmacs_std: float
    gmacs_min: float
    gmacs_max: float
    with_norm_gmacs_mean: float


@dataclass(frozen=True)
class DetectionMetrics:
    """COCO's six averages, in percent; None where there is no object of that size.

    Attributes:
        map_percent: Mean over the classes and over IoU .50 to .95.
        ap50_percent: At IoU .50.
        ap75_percent: At IoU .75.
        ap_small_percent: Of objects below 32^2 pixels of the original image.
        ap_medium_percent: From 32^2 to 96^2.
        ap_large_percent: Above 96^2.
    """

    map_percent: float | None
    ap50_percent: float | None
    ap75_percent: float | None
    ap_small_percent: float | None
    ap_medium_percent: float | None
    ap_large_percent: float | None


@dataclass(frozen=True)
class ClassAP:
    """One class on the test split; the APs are None where it has no object."""

    name: str
    objects: int
    ap_percent: float | None
    ap50_percent: float | None


@dataclass(frozen=True)
class ScaleLatency:
    """One image at a time through a detector at one scale, from the prepared image to boxes.

    Attributes:
        scale: As in `ScalePoint`.
        images: Different test images that were timed.
        timing: Of the whole, suppression of overlapping boxes included; batch size 1.
        parts_ms: Median milliseconds by part of `PARTS`; what follows the head counts for it.
        data: How these images are made ready; None where that was not measured.
    """

    scale: list[int]
    images: int
    timing: Timing
    parts_ms: dict[str, float]
    data: DataTime | None = None


@dataclass(frozen=True)
class DetectorLatency:
    """One detector's times; the hashes say which, as in ``results.json``."""

    name: str
    config_sha256: str
    weights_sha256: str
    points: list[ScaleLatency]


@dataclass(frozen=True)
class ScalePoint:
    """One operating point: the detector at one test-time input scale.

    Attributes:
        scale: [longer side, shorter side] in pixels that a resized image fits into; its aspect
            ratio is kept.
        calibration_gmacs_mean: Mean total cost on the calibration split.
        calibration: Metrics on the calibration split, where scales are chosen.
        chosen: Whether some budget chooses it: on the calibration split it is better (mAP) than
            every cheaper scale.
        gmacs_mean: Mean total cost on the test split; its spread is that of the images' sizes.
        parts: By part, in the order of `PARTS`.
        test: Metrics on the test split.
        map_interval: 95 %, from a basic bootstrap over the test images, see
            `benchmarks.detection.map_bootstrap`; None where too many draws have no object.
        ap50_interval: Likewise.
        classes: In the order of the labels.
        latency: None where nothing was timed.
    """

    scale: list[int]
    calibration_gmacs_mean: float
    calibration: DetectionMetrics
    chosen: bool
    gmacs_mean: float
    gmacs_std: float
    gmacs_min: float
    gmacs_max: float
    parts: list[PartCost]
    test: DetectionMetrics
    map_interval: Interval | None
    ap50_interval: Interval | None
    classes: list[ClassAP]
    latency: ScaleLatency | None


@dataclass(frozen=True)
class PictureBox:
    """A box in a picture of the gallery.

    Attributes:
        box: [left, top, right, bottom] as fractions of the picture's width and height.
        label: Name of the class.
        kind: ``right`` and ``wrong`` of detections, ``found`` and ``missed`` of true objects
            (``crowd`` of those that do not count).
        score: Of a detection; None of a true object.
    """

    box: list[float]
    label: str
    kind: str
    score: float | None


@dataclass(frozen=True)
class DetectionPicture:
    """A test image with what was detected and what is there.

    Attributes:
        group: ``best`` or ``worst``.
        index: Its number in the test split.
        source: Its file, or empty.
        f1_percent: Of its detections above the gallery's score threshold, at IoU .50.
        image: A small JPEG as a ``data:`` URL, without boxes.
        width: Of that JPEG, in pixels; height likewise.
        boxes: True objects first, then detections by falling score.
    """

    group: str
    index: int
    source: str
    f1_percent: float
    image: str
    width: int
    height: int
    boxes: list[PictureBox]


@dataclass(frozen=True)
class DetectionGallery:
    """Test images by how well a detector did on them, at one scale.

    Attributes:
        scale: The best one on the calibration split.
        score_threshold: Detections from here on are shown; it maximises F1 on the calibration
            split.
    """

    scale: list[int]
    score_threshold: float
    pictures: list[DetectionPicture]


@dataclass(frozen=True)
class DetectorResult:
    """One trained detector at its operating points.

    Attributes:
        name: Display name.
        source: ``ours`` (trained and measured here).
        weights: ``ema`` or ``raw``.
        task: `benchmarks.results.DETECTION`.
        detector: Its class, such as ``RetinaNet``.
        backbone: Its class and, where it has one, its architecture, in a few words.
        training: None for a config without a training recipe.
        classes: Names, in the order of the labels.
        parameters: Number of trainable parameters.
        points: By rising cost on the calibration split.
        gallery: None where the data have nothing to show.
    """

    name: str
    source: str
    task: str
    dataset: str
    detector: str
    backbone: str
    config: FileRecord
    checkpoint: FileRecord
    weights: str
    training: TrainingRecord | None
    calibration: SplitRecord
    test: SplitRecord
    classes: list[str]
    parameters: int
    points: list[ScalePoint]
    gallery: DetectionGallery | None


@dataclass(frozen=True)
class DetectorComparison:
    """Two detectors on the same test images, each at the scale that is best on calibration data.

    Attributes:
        model: Index into ``Results.detectors``.
        baseline: Likewise.
        scale: Of the model.
        baseline_scale: Of the baseline.
        cost_ratio: The baseline's mean total cost by the model's: above 1 the model is cheaper.
        map_difference: The model's mAP less the baseline's, in points.
        map_difference_interval: 95 %, from a paired basic bootstrap over the test images; None
            where it cannot be said.
    """

    model: int
    baseline: int
    scale: list[int]
    baseline_scale: list[int]
    cost_ratio: float
    map_difference: float | None
    map_difference_interval: Interval | None
