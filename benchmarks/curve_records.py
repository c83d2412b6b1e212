"""One model's exits, budgets and gallery as records; parts of a `ModelResult`.

Every field says its unit, as in `benchmarks.results`.
"""

from dataclasses import dataclass
from typing import Any

from .interval import Interval


@dataclass(frozen=True)
class ReliabilityBin:
    """Test samples whose confidence (largest class probability) lies in (low, high].

    Attributes:
        confidence_mean: None where there is no sample, as is ``top1_percent``.
        top1_percent: How many of them are right; confidence is a fraction, accuracy percent.
    """

    low: float
    high: float
    samples: int
    confidence_mean: float | None
    top1_percent: float | None


@dataclass(frozen=True)
class ExitRecord:
    """One exit when everybody leaves there ("anytime" accuracy), on the test split.

    Attributes:
        test_top1_interval: 95 %, bootstrapped over the test samples.
        test_top5_percent: None where there are no more than five classes.
        mean_class_percent: Mean class accuracy: the mean over the classes of the share of their
            samples that is right; classes without a test sample do not count.
        mean_class_interval: As ``test_top1_interval``.
        nll: Mean negative log-likelihood of the right class, in nats.
        brier: Mean Brier score, 0 to 2.
        ece_percent: Expected calibration error over the reliability bins.
        right_to_wrong_percent: Samples that the exit before had right and this one has wrong; None
            at the first exit.
        wrong_to_right_percent: The other way round.
    """

    name: str
    gmacs: float
    gflops: float
    calibration_top1_percent: float
    test_top1_percent: float
    test_top1_interval: Interval
    test_top5_percent: float | None
    mean_class_percent: float
    mean_class_interval: Interval
    nll: float
    brier: float
    ece_percent: float
    reliability: list[ReliabilityBin]
    right_to_wrong_percent: float | None
    wrong_to_right_percent: float | None


@dataclass(frozen=True)
class CurvePoint:
    """One budget: thresholds chosen on the calibration split, and what they give on the test split.

    Attributes:
        target_gmacs: The mean cost that was asked for.
        calibration_gmacs_mean: The mean cost on the calibration split.
        calibration_top1_percent: Accuracy on the calibration split, where the thresholds were
            chosen.
        gmacs_mean: The mean cost on the test split.
        gmacs_interval: 95 %, bootstrapped over the test samples, as the next one is.
        top1_percent: Accuracy on the test split.
        top1_interval: See ``gmacs_interval``.
        random_top1_percent: Control: the accuracy if as many samples left at each exit, but drawn
            at random.
        exit_shares: By exit, the fraction of the test split that left there.
        exit_top1_percent: By exit, the accuracy among those who left there; None where nobody did.
        thresholds: By exit but the last, the confidence to reach; None where nobody leaves.
    """

    target_gmacs: float
    calibration_gmacs_mean: float
    calibration_top1_percent: float
    gmacs_mean: float
    gmacs_interval: Interval
    top1_percent: float
    top1_interval: Interval
    random_top1_percent: float
    exit_shares: dict[str, float]
    exit_top1_percent: dict[str, float | None]
    thresholds: dict[str, float | None]


@dataclass(frozen=True)
class OperatingPoint:
    """A policy file, or one made by risk control, and what it gives on the test split.

    Attributes:
        name: How it is called on the page.
        method: How the thresholds were chosen.
        settings: The method's settings, such as epsilon and delta.
        measure: The confidence measure.
        point: Its budget is the cost that was expected on the calibration split.
    """

    name: str
    method: str
    settings: dict[str, Any]
    measure: str
    point: CurvePoint


@dataclass(frozen=True)
class ExitStatistics:
    """What the exits have in common, on the test split.

    Attributes:
        oracle_top1_percent: Accuracy if each sample left at the first exit that has it right: what
            no choice of exits can exceed.
        oracle_gmacs_mean: Mean cost of that.
        overthinking_percent: Samples that some earlier exit has right and the last one wrong.
        worse_than_earlier: Exits that are less accurate than some exit before them.
    """

    oracle_top1_percent: float
    oracle_gmacs_mean: float
    overthinking_percent: float
    worse_than_earlier: list[str]


@dataclass(frozen=True)
class GalleryPicture:
    """A test sample that left at an exit: an image, or frames of a video side by side.

    Attributes:
        exit: Where.
        index: Its number in the test split.
        source: Its file, or empty.
        label: Name of the right class.
        prediction: Name of the predicted one.
        right: Whether they are the same.
        confidence: At that exit, by the model's measure.
        frames: How many frames of the video are side by side, in order; 1 for an image.
        image: A small JPEG or PNG as a ``data:`` URL.
    """

    exit: str
    index: int
    source: str
    label: str
    prediction: str
    right: bool
    confidence: float
    frames: int
    image: str


@dataclass(frozen=True)
class Gallery:
    """Test samples by exit, the surest of each exit first, at one budget of the curve."""

    target_gmacs: float
    pictures: list[GalleryPicture]
