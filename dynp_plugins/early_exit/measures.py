"""How sure an exit is: confidence measures, from logits to one number per sample.

Higher is surer for all of them, so that one rule serves: a sample leaves at the first exit whose
confidence reaches that exit's threshold. Confidences are float32 whatever the logits are, as the
thresholds are; a NaN among the logits gives a confidence of NaN, which reaches no threshold.

A new measure is a class here and an entry in `MEASURES`. Exit tables, policies, the engine and the
reports then know it.
"""

import math
from collections.abc import Sequence

import torch
from torch import Tensor

from ..errors import UserError


class ConfidenceMeasure:
    """A confidence measure.

    Attributes:
        name: As in policies and exit tables.
        needs_history: Whether the logits of earlier exits are looked at.
    """

    name: str
    needs_history = False

    def __call__(self, logits: Sequence[Tensor]) -> Tensor:
        """How sure the last of some exits is.

        Args:
            logits: (B, classes) of the exits 0 .. k.

        Returns:
            (B,) confidence of exit k, float32.
        """
        return self.confidence([probabilities(values) for values in self.read(logits)]).float()

    def read(self, logits: Sequence[Tensor]) -> Sequence[Tensor]:
        """The logits that are looked at."""
        return logits if self.needs_history else logits[-1:]

    def confidence(self, probability: list[Tensor]) -> Tensor:
        """(B,) confidence from the class probabilities (B, classes) of the exits looked at."""
        raise NotImplementedError

    def bounds(self, exits: int, classes: int) -> tuple[float, float]:
        """The least and the greatest value that the confidence can have."""
        return 0.0, 1.0


class MaxSoftmax(ConfidenceMeasure):
    """The largest class probability (MSDNet, arXiv 1703.09844, section 4)."""

    name = 'max_softmax'

    def confidence(self, probability: list[Tensor]) -> Tensor:
        return probability[-1].amax(-1)


class Entropy(ConfidenceMeasure):
    """1 - H / ln C, where H is the entropy of the class probabilities in nats and C their number.

    BranchyNet (arXiv 1709.01686) leaves where H is small; this is the same order turned round and
    scaled to 0 .. 1.
    """

    name = 'entropy'

    def confidence(self, probability: list[Tensor]) -> Tensor:
        last = probability[-1]
        largest = max(math.log(last.shape[-1]), 1e-12)  # with one class the entropy is 0
        return (1 - torch.special.entr(last).sum(-1) / largest).clamp(0, 1)


class Margin(ConfidenceMeasure):
    """Difference of the two largest class probabilities; with one class, its probability."""

    name = 'margin'

    def confidence(self, probability: list[Tensor]) -> Tensor:
        last = probability[-1]
        if last.shape[-1] == 1:
            return last[:, 0]
        best = last.topk(2).values
        return best[:, 0] - best[:, 1]


class Patience(ConfidenceMeasure):
    """Number of successive exits, up to this one, that predict the same class.

    "BERT Loses Patience" (arXiv 2006.04152) leaves when so many exits agree. 1 at the first exit.
    """

    name = 'patience'
    needs_history = True

    def confidence(self, probability: list[Tensor]) -> Tensor:
        predicted = torch.stack([values.argmax(-1) for values in probability])  # (exits, B)
        agrees = (predicted == predicted[-1]).flip(0)
        run = agrees.cumprod(0).sum(0).to(probability[-1].dtype)
        return run.masked_fill(probability[-1].isnan().any(-1), math.nan)

    def bounds(self, exits: int, classes: int) -> tuple[float, float]:
        return 1.0, float(exits)


MEASURES: dict[str, ConfidenceMeasure] = {
    measure.name: measure for measure in (MaxSoftmax(), Entropy(), Margin(), Patience())
}


def confidence_measure(name: str) -> ConfidenceMeasure:
    """The measure called ``name``.

    Raises:
        UserError: There is none.
    """
    if name not in MEASURES:
        known = ', '.join(MEASURES)
        raise UserError(f'no confidence measure is called {name!r}: choose one of {known}')
    return MEASURES[name]


def probabilities(logits: Tensor) -> Tensor:
    """Softmax over the last axis in float32, or in float64 where the logits are."""
    return (logits if logits.dtype == torch.float64 else logits.float()).softmax(-1)
