"""Times of detectors, one image at a time: from the prepared image to boxes in the original one.

All detectors at all their scales run in turn, round by round, each on the same few test images.
The clock is read when the backbone and the neck begin and end, and when the boxes are there; what
is neither backbone nor neck counts for the head, the suppression of overlapping boxes included.

The timed rounds run the warm-up's images again and again, as in `benchmarks.latency`.
"""

import logging
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor, nn
from torch.utils.hooks import RemovableHandle

from ..detection_records import PARTS, DetectorLatency, ScaleLatency
from ..peak_memory import peak_memory_mb
from ..timing import Clock, RoundLimits, clock_for, interleaved_rounds, timing
from ..timing_records import DataTime
from .timed_detectors import TimedDetector, detect

ROUND_IMAGES = 4
"""So many images are in a round, so that its mix of sizes is no accident."""

_DECIMALS = 4

_logger = logging.getLogger(__name__)


def images_needed(limits: RoundLimits) -> int:
    """So many test images are run: those of the warm-up, at least those of one round."""
    return ROUND_IMAGES * max(limits.warmup, 1)


@dataclass(frozen=True)
class DetectorTurn:
    """What one detector at one scale did in one round of B images.

    Attributes:
        parts_ms: (B, 3) by part, in the order of `PARTS`.
        index: (B,) which test images they were.
    """

    parts_ms: np.ndarray
    index: np.ndarray


class DetectorContestant:
    """One detector at one scale; a call is one round.

    Args:
        timed: The detector.
        device: Where it is.
        clock: For that device.
    """

    def __init__(self, timed: TimedDetector, device: torch.device, clock: Clock):
        self.timed = timed
        self._device = device
        self._clock = clock
        self._rounds = -(-len(timed.images) // ROUND_IMAGES)

    def __call__(self, number: int) -> DetectorTurn:
        """Run round ``number``."""
        images, begin = self.timed.images, number % self._rounds * ROUND_IMAGES
        count = min(ROUND_IMAGES, len(images))
        images = [images[i % len(images)] for i in range(begin, begin + count)]
        rows = []
        for image in images:
            inputs, sample = image.inputs.to(self._device), image.sample.clone()
            rows.append(time_parts(self.timed.detector, inputs, sample, self._clock))
        return DetectorTurn(np.array(rows), np.array([image.index for image in images]))


def time_parts(detector: nn.Module, inputs: Tensor, sample: object, clock: Clock) -> list[float]:
    """Milliseconds of backbone, neck and all the rest, for one image.

    Args:
        detector: In eval mode.
        inputs: See `timed_detectors.detect`, as ``sample`` is.
        clock: For the detector's device.
    """
    names: list[str] = []
    handles = [handle for part in PARTS[:2] for handle in _laps(detector, part, clock, names)]
    try:
        clock.start()
        detect(detector, inputs, sample)
        clock.lap()
        *laps, whole = clock.read()
    finally:
        for handle in handles:
            handle.remove()
    times = dict.fromkeys(PARTS, 0.0)
    for name, begin, end in zip(names, laps[::2], laps[1::2], strict=True):
        times[name] += end - begin
    times['head'] = whole - sum(times.values())
    return list(times.values())


def _laps(detector: nn.Module, part: str, clock: Clock, names: list[str]) -> list[RemovableHandle]:
    """Read the clock when the part begins and ends; each time its name is noted once."""
    module = getattr(detector, part, None)
    if module is None:
        return []

    def begin(*_: object) -> None:
        names.append(part)
        clock.lap()

    def end(*_: object) -> None:
        clock.lap()

    return [module.register_forward_pre_hook(begin), module.register_forward_hook(end)]


def measure_detectors(
    timed: Sequence[TimedDetector],
    limits: RoundLimits,
    device: torch.device,
    clock: Clock | None = None,
    data: Sequence[DataTime | None] = (),
) -> list[DetectorLatency]:
    """Time detectors against each other, at all their scales.

    Args:
        timed: Detectors at scales, all on the same device.
        limits: How many rounds.
        device: Where the detectors are.
        clock: For that device; by default the one that suits it.
        data: How the images of each are made ready, if that was measured.

    Returns:
        One entry per detector, in their order.
    """
    clock = clock or clock_for(device)
    contestants = [DetectorContestant(one, device, clock) for one in timed]
    turns = interleaved_rounds(contestants, limits) if timed else []
    if timed:
        _logger.info('detectors: %d rounds', len(turns[0]))
    found: dict[tuple[str, str, str], DetectorLatency] = {}
    for i, (one, of_one) in enumerate(zip(timed, turns, strict=True)):
        key = (one.name, one.config_sha256, one.weights_sha256)
        latency = found.setdefault(key, DetectorLatency(*key, points=[]))
        latency.points.append(_scale_latency(one, of_one, device, data[i] if data else None))
    return list(found.values())


def _scale_latency(
    timed: TimedDetector, turns: Sequence[DetectorTurn], device: torch.device, data: DataTime | None
) -> ScaleLatency:
    """One detector at one scale, from its rounds."""
    parts_ms = np.stack([turn.parts_ms for turn in turns])  # (rounds, B, 3)
    medians = np.round(np.median(parts_ms, axis=(0, 1)), _DECIMALS)
    return ScaleLatency(
        scale=list(timed.scale),
        images=len(np.unique(np.concatenate([turn.index for turn in turns]))),
        timing=timing(parts_ms.sum(2), 1, _peak(timed, device)),
        parts_ms={part: float(time) for part, time in zip(PARTS, medians, strict=True)},
        data=data,
    )


def _peak(timed: TimedDetector, device: torch.device) -> float | None:
    """The memory that the largest image needs."""
    largest = max(timed.images, key=lambda image: image.inputs.numel())
    inputs = largest.inputs.to(device)
    return peak_memory_mb(
        lambda: detect(timed.detector, inputs, largest.sample.clone()), timed.detector, inputs
    )
