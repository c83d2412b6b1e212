"""Where the right class stands among a network's scores."""

import torch
from torch import Tensor


def label_rank(scores: Tensor, label: Tensor) -> Tensor:
    """How many classes are preferred to the right one: 0 is a correct top-1 prediction.

    Among equal scores the lower class index is preferred, as ``argmax`` does on the CPU, so
    that a constant score does not count as right.

    Args:
        scores: (..., classes).
        label: Class index, of shape (1,) or broadcastable to ``scores.shape[:-1]``.
    """
    label = label.expand(scores.shape[:-1]).unsqueeze(-1)
    own = scores.gather(-1, label)
    tied_before = (scores == own) & (torch.arange(scores.shape[-1], device=scores.device) < label)
    return ((scores > own) | tied_before).sum(-1)
