"""What the recognisers ask of a state dict."""

import math
import re
from collections.abc import Iterable, Mapping

import torch
from torch import Tensor

FEATURE_BRANCH_PREFIX = 'backbone.feature_branch.'


def feature_branch_of(state_dict: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """The tensors of a Dyn-Perceiver's feature branch, under their whole names."""
    return {k: v for k, v in state_dict.items() if k.startswith(FEATURE_BRANCH_PREFIX)}


def widest_bottleneck(found: Mapping[str, Tensor], layers: str) -> int:
    """The bottleneck factor of the layers whose names match; narrow inputs hold some back.

    Args:
        found: The weights.
        layers: Pattern of the names of `BottleneckConv` layers.
    """
    first = re.compile(rf'({layers})\.0\.0\.weight')
    return max(
        len(weight) // len(found[f'{match[1]}.1.0.weight'])
        for key, weight in found.items()
        if (match := first.fullmatch(key))
    )


def num_classes_of(found: Mapping[str, Tensor], classifier: str) -> int:
    """Height of the last matrix of a classifier."""
    matrices = [v for k, v in found.items() if k.startswith(classifier) and v.ndim == 2]
    return len(matrices[-1])


def count_matches(found: Mapping[str, Tensor], pattern: str) -> int:
    """How many different things the group of ``pattern`` stands for in the keys."""
    return len({match[1] for key in found if (match := re.match(pattern, key))})


def has_prefix(found: Mapping[str, Tensor], prefix: str) -> bool:
    """Whether some key begins like this."""
    return any(key.startswith(prefix) for key in found)


def shapes_of(state_dict: Mapping[str, Tensor]) -> dict[str, torch.Size]:
    """Name and shape of every tensor."""
    return {key: value.shape for key, value in state_dict.items()}


def shares_that_give(pairs: Iterable[tuple[int, int]]) -> list[float]:
    """The hundredths of which ``floor(share * whole) == part`` for all (whole, part).

    Round ones come first. Without pairs, one half.
    """
    pairs = set(pairs)
    if not pairs:
        return [0.5]
    hundredths = sorted(range(1, 101), key=lambda i: (i % 25 > 0, i % 10 > 0, i % 5 > 0))
    return [
        i / 100
        for i in hundredths
        if all(math.floor(i / 100 * whole) == part for whole, part in pairs)
    ]
