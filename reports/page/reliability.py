"""Reliability diagrams as small SVG drawings: is an exit right as often as it is sure?"""

import math
from dataclasses import dataclass

from benchmarks.curve_records import ExitRecord

from ..labels import counted
from .budget import FEW_SAMPLES
from .numbers import DASH

SIZE = 132
"""Side of the square from confidence 0 to 1 and accuracy 0 to 100 %, in CSS pixels."""

STRIP = 16
SMALLEST, LARGEST = 2.0, 7.0
"""Radii of dots; the largest is that of the fullest bin."""


@dataclass(frozen=True)
class Dot:
    """One bin with samples.

    Attributes:
        x: Of its mean confidence, in pixels from the left of the square; ``y`` of its accuracy.
        radius: Its area is proportional to the samples, but for the smallest.
        weight: Samples against those of the fullest bin, 0 to 1, on a square-root scale.
        line_y: Where the diagonal is at ``x``.
        few: Whether there are too few samples to say more than that.
        text: What it says when pointed at.
    """

    x: float
    y: float
    radius: float
    weight: float
    line_y: float
    few: bool
    text: str


@dataclass(frozen=True)
class Bar:
    """How many samples a bin has, in the strip below."""

    x: float
    width: float
    height: float


@dataclass(frozen=True)
class Diagram:
    """One exit's diagram, ready to draw.

    Attributes:
        verdict: In words: mean confidence against accuracy.
    """

    dots: list[Dot]
    bars: list[Bar]
    verdict: str


def reliability_diagram(exit: ExitRecord, sample: str = 'image') -> Diagram | None:
    """None where no bin has a sample."""
    bins = [b for b in exit.reliability if b.samples and b.confidence_mean is not None]
    total = sum(b.samples for b in bins)
    if not total:
        return None
    most = max(b.samples for b in bins)
    dots = [
        Dot(
            x=SIZE * b.confidence_mean,
            y=SIZE * (1 - b.top1_percent / 100),
            radius=max(LARGEST * math.sqrt(b.samples / most), SMALLEST),
            weight=math.sqrt(b.samples / most),
            line_y=SIZE * (1 - b.confidence_mean),
            few=b.samples < FEW_SAMPLES,
            text=f'confidence {b.low:.2f}{DASH}{b.high:.2f}, mean {b.confidence_mean:.3f}: '
            f'{b.top1_percent:.1f} % right of {counted(b.samples, sample)}',
        )
        for b in bins
    ]
    bars = [
        Bar(SIZE * b.low + 0.5, max(SIZE * (b.high - b.low) - 1, 0.5), STRIP * b.samples / most)
        for b in bins
    ]
    gap = sum(b.samples * (b.confidence_mean - b.top1_percent / 100) for b in bins) / total
    if abs(gap) < 0.005:
        verdict = 'calibrated'
    else:
        verdict = f'{100 * abs(gap):.1f} points {"over" if gap > 0 else "under"}confident'
    return Diagram(dots, bars, verdict)
