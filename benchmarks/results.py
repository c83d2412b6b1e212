"""The results schema: what a budget curve is on disk, typed, versioned and checked when read.

Every field says its unit. MACs are multiply-adds of one sample, an image or a video with all frames
that are given of it, cumulative up to an exit; FLOPs are 2 MACs; accuracies are percent; shares
are fractions of the test split.
"""

import logging
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from dynp_plugins.errors import UserError
from dynp_plugins.typed_json import read_json, write_json

from .curve_records import CurvePoint, ExitRecord, ExitStatistics, Gallery, OperatingPoint
from .detection.scales import scale_name
from .detection_records import DetectorComparison, DetectorLatency, DetectorResult
from .interval import Interval
from .latency_records import LatencyFile, LatencyRatio, MachineRecord, ModelLatency
from .run_records import FileRecord, SplitRecord, TrainingRecord

_logger = logging.getLogger(__name__)

SCHEMA_VERSION = 5

CLASSIFICATION, ACTION = 'classification', 'action recognition'
"""What `ModelResult.task` may be: the former of images, the latter in videos."""

DETECTION = 'object detection'
"""What `DetectorResult.task` is."""


@dataclass(frozen=True)
class ModelResult:
    """One model's curve.

    Attributes:
        name: Display name.
        source: Where the numbers come from: ``ours`` (trained and measured here).
        weights: ``ema`` (moving average of the weights) or ``raw``.
        task: `CLASSIFICATION` or `ACTION`.
        training: None for a config without a training recipe.
        confidence: The measure that is compared with the thresholds.
        method: How the thresholds of the curve were chosen.
        input_shape: Of the sample that the MACs are counted for: (channels, height, width), or
            (frames, channels, height, width) of a video.
        frames_per_clip: How many frames of a video the network sees together, with temporal
            shift. A video of more frames is several views, the clips and crops of the test
            pipeline. 1 for images, and where each frame is seen by itself.
        parameters: Number of trainable parameters.
        statistics: Over all exits.
        points: The curve, in order of the target budgets.
        operating_points: Single policies beside the curve.
        gallery: None where the data have nothing to show.
        latency: None where nothing was timed.
    """

    name: str
    source: str
    task: str
    dataset: str
    config: FileRecord
    checkpoint: FileRecord
    weights: str
    training: TrainingRecord | None
    calibration: SplitRecord
    test: SplitRecord
    confidence: str
    method: str
    input_shape: list[int]
    frames_per_clip: int
    parameters: int
    exits: list[ExitRecord]
    statistics: ExitStatistics
    points: list[CurvePoint]
    operating_points: list[OperatingPoint]
    gallery: Gallery | None
    latency: ModelLatency | None


@dataclass(frozen=True)
class Comparison:
    """Two models measured on the same test samples, at equal accuracy and at equal cost.

    Which accuracy and which cost is decided on the calibration split; intervals are 95 %, from a
    paired bootstrap over the test samples.

    Attributes:
        model: Index into ``Results.models``.
        baseline: Likewise.
        top1_percent: The accuracy at which costs are compared; None where the curves do not
            overlap.
        cost_ratio: Baseline's cost by the model's at that accuracy: above 1 the model is cheaper.
        cost_ratio_interval: None where too many draws do not reach that accuracy.
        gmacs: The mean cost at which accuracies are compared; None where the curves do not overlap.
        top1_difference: The model's accuracy less the baseline's at that cost, in points.
        top1_difference_interval: Of that difference.
        refusal: Why something of the above is missing, in words; empty if nothing is.
    """

    model: int
    baseline: int
    top1_percent: float | None
    cost_ratio: float | None
    cost_ratio_interval: Interval | None
    gmacs: float | None
    top1_difference: float | None
    top1_difference_interval: Interval | None
    refusal: str


@dataclass(frozen=True)
class TimingContext:
    """What the models' latencies have in common: the machine, and models timed side by side."""

    created: str
    command: str
    machine: MachineRecord
    ratios: list[LatencyRatio]


@dataclass(frozen=True)
class Results:
    """All that ``tools/budget_curve.py`` measured in one call.

    Attributes:
        schema_version: `SCHEMA_VERSION`.
        created: UTC time, ISO 8601.
        command: The command line.
        versions: Package name to version; Python too.
        git_commit: Of this project, ``-dirty`` appended where files differ from it; None outside a
            checkout.
        models: In the order they were given.
        comparisons: Every pair of models that were tested on the same samples.
        timing: None where nothing was timed.
        detectors: Likewise, in the order they were given among themselves.
        detector_comparisons: Every pair of detectors that were tested on the same images.
    """

    schema_version: int
    created: str
    command: str
    versions: dict[str, str]
    git_commit: str | None
    models: list[ModelResult]
    comparisons: list[Comparison]
    timing: TimingContext | None
    detectors: list[DetectorResult] = field(default_factory=list)
    detector_comparisons: list[DetectorComparison] = field(default_factory=list)


def with_latency(results: Results, latency: LatencyFile, source: str | Path) -> Results:
    """The same results with the times that were measured of these models and detectors.

    Times at scales at which a detector was not measured are left out with a warning.

    Args:
        results: What was measured.
        latency: What ``tools/benchmark.py`` measured.
        source: Its file, for messages.

    Raises:
        UserError: It holds times of none of them, with these configs and weights, nor of a detector
            at one of its scales.
    """
    times = {(model.config_sha256, model.weights_sha256): model for model in latency.models}
    models = [
        replace(model, latency=times.get((model.config.sha256, model.checkpoint.sha256)))
        for model in results.models
    ]
    detectors = [_with_times(detector, latency.detectors) for detector in results.detectors]
    points = (point for detector in detectors for point in detector.points)
    if all(measured.latency is None for measured in (*models, *points)):
        timed = [model.name for model in latency.models]
        timed += [_timed_scales(detector) for detector in latency.detectors]
        raise UserError(
            f'{source} holds times of {", ".join(timed)}, but of none of these models with these '
            'weights: run tools/benchmark.py again'
        )
    context = TimingContext(latency.created, latency.command, latency.machine, latency.ratios)
    return replace(results, models=models, detectors=detectors, timing=context)


def _with_times(detector: DetectorResult, timed: Sequence[DetectorLatency]) -> DetectorResult:
    """The detector with the times of each of its scales that was timed; a warning of others."""
    key = (detector.config.sha256, detector.checkpoint.sha256)
    times = {
        tuple(point.scale): point
        for one in timed
        if (one.config_sha256, one.weights_sha256) == key
        for point in one.points
    }
    scales = [tuple(point.scale) for point in detector.points]
    unused = [scale_name(scale) for scale in times if scale not in scales]
    if unused:
        _logger.warning(
            '%s was timed at %s, but the report does not have it at that: the times are left out. '
            'Name these scales in --scales, beside the others, to have them',
            detector.name,
            ', '.join(unused),
        )
    points = [
        replace(point, latency=times.get(scale))
        for point, scale in zip(detector.points, scales, strict=True)
    ]
    return replace(detector, points=points)


def _timed_scales(detector: DetectorLatency) -> str:
    scales = ', '.join(scale_name(point.scale) for point in detector.points)
    return f'{detector.name} at {scales}'


def write_results(results: Results, path: str | Path) -> None:
    """Write ``results`` as JSON; the file appears whole or not at all."""
    write_json(results, path)


def read_results(path: str | Path) -> Results:
    """Read and check a results file.

    Raises:
        UserError: Not JSON, another schema version, or an entry that is missing, unknown or of the
            wrong type; the message names it.
    """
    return read_json(Results, path, 'results', SCHEMA_VERSION, 'run tools/budget_curve.py again')
