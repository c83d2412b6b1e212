"""Does a confidence of 80 % mean right in 80 % of the cases? Reliability and its summary, the ECE.

Source: Guo et al., On Calibration of Modern Neural Networks, arXiv 1706.04599, section 2.

The proper scores that go with them, negative log-likelihood and Brier score, are means of columns
of the exit table and need no function here.
"""

from dataclasses import dataclass

import numpy as np

from dynp_plugins.errors import UserError

BINS = 15
"""As in the source."""


@dataclass(frozen=True, eq=False)
class ReliabilityBins:
    """A reliability diagram: B bins of equal width from 0 to 1.

    Attributes:
        edges: (B + 1,); bin b holds confidences above ``edges[b]`` and up to ``edges[b + 1]``.
        samples: (B,) int, how many fall into each bin.
        confidence: (B,) their mean confidence; NaN in an empty bin.
        accuracy: (B,) the share of them that is right; NaN in an empty bin.
    """

    edges: np.ndarray
    samples: np.ndarray
    confidence: np.ndarray
    accuracy: np.ndarray


def reliability_bins(
    confidence: np.ndarray, correct: np.ndarray, bins: int = BINS
) -> ReliabilityBins:
    """Sort the predictions of one exit into bins of confidence.

    Args:
        confidence: (N,), the probability given to the predicted class. 0 falls into the first bin.
        correct: (N,) bool, whether that class is right.
        bins: B.

    Raises:
        UserError: No bin, or a confidence that is no probability.
        ValueError: No sample, or the shapes differ.
    """
    confidence, correct = np.asarray(confidence, np.float64), np.asarray(correct, bool)
    if confidence.ndim != 1 or confidence.shape != correct.shape or not len(confidence):
        raise ValueError(
            f'confidence {confidence.shape} and correct {correct.shape} must be one number per '
            'sample, of at least one sample'
        )
    if bins < 1:
        raise UserError(f'{bins} bins of confidence: there must be at least 1')
    wrong = confidence[~((confidence >= 0) & (confidence <= 1))]
    if len(wrong):
        raise UserError(
            f'a confidence of {wrong[0]:g} is no probability: calibration is defined for measures '
            'from 0 to 1, such as max_softmax'
        )
    edges = np.linspace(0, 1, bins + 1)
    chosen = np.maximum(np.searchsorted(edges, confidence, side='left') - 1, 0)
    samples = np.bincount(chosen, minlength=bins)
    return ReliabilityBins(
        edges=edges,
        samples=samples,
        confidence=_means(chosen, confidence, samples),
        accuracy=_means(chosen, correct, samples),
    )


def expected_calibration_error(bins: ReliabilityBins) -> float:
    """The gap between confidence and accuracy, averaged over the bins by their samples; 0 to 1.

    Source: equation 3 of arXiv 1706.04599.
    """
    gap = np.abs(bins.accuracy - bins.confidence)
    filled = bins.samples > 0
    return float(gap[filled] @ bins.samples[filled] / bins.samples.sum())


def _means(chosen: np.ndarray, values: np.ndarray, samples: np.ndarray) -> np.ndarray:
    sums = np.bincount(chosen, weights=values, minlength=len(samples))
    return np.divide(sums, samples, out=np.full(len(samples), np.nan), where=samples > 0)
