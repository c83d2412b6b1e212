"""A RANet's settings, read off its tensors.

Settings that give the same network, such as all growth factors doubled and the growth rate halved,
cannot be told apart; the factors are taken to have no common divisor.
"""

import itertools
import math
import re
from collections.abc import Iterator, Mapping
from typing import Any

from torch import Tensor

from .tensors import count_matches, num_classes_of, shares_that_give, widest_bottleneck

_FIRST = r'backbone\.first_layers\.(\d+)\.'
_SUB_NETWORKS = 'backbone.sub_networks.'


def ranet_candidates(found: Mapping[str, Tensor]) -> Iterator[dict[str, Any]]:
    """The settings of a RANet, as far as ``found`` belongs to one."""
    count = count_matches(found, _FIRST)
    widths = [len(found[f'backbone.first_layers.{i}.0.weight']) for i in reversed(range(count))]
    channels = math.gcd(*widths)
    factors = [width // channels for width in widths]
    blocks = [count_matches(found, _pattern(s, r'(\d+)\.')) for s in range(count)]
    layers = [count_matches(found, _pattern(0, rf'{b}\.layers\.(\d+)\.')) for b in (0, 1)]
    common = dict(
        name='ranet',
        num_classes=num_classes_of(found, 'heads.classifiers.exit1.'),
        stem='imagenet' if found['backbone.first_layers.0.0.weight'].shape[-1] == 7 else 'cifar',
        scale_list=tuple(
            1 + count_matches(found, _pattern(s, r'(\d+)\.transition\.')) for s in range(count)
        ),
        growth_factor=tuple(factors),
        bottleneck_factor=tuple(_bottleneck_factor(found, s) for s in range(count)),
        channels=channels,
        growth_rate=len(found[f'{_SUB_NETWORKS}0.0.layers.0.own.1.0.weight']) // factors[0],
        num_blocks=blocks[0],
        block_step=blocks[1] - blocks[0] if count > 1 else 2,
        step=layers[0],
        step_mode='even' if layers[1] in (0, layers[0]) else 'lg',
    )
    transitions = [
        (weight.shape[1], weight.shape[0])
        for key, weight in found.items()
        if key.endswith('.transition.0.weight')
    ]
    fusions = [
        (len(low) + len(found[key.replace('.low.', '.own.')]), len(low))
        for key, low in found.items()
        if key.endswith('.low.1.0.weight')
    ]
    for compress_factor, reduction in itertools.product(
        shares_that_give(fusions), shares_that_give(transitions)
    ):
        yield dict(common, compress_factor=compress_factor, reduction=reduction)


def _pattern(sub_network: int, rest: str) -> str:
    return re.escape(f'{_SUB_NETWORKS}{sub_network}.') + rest


def _bottleneck_factor(found: Mapping[str, Tensor], s: int) -> int:
    """That of the layers that read sub-network ``s``."""
    own, low = _pattern(s, ''), _pattern(s + 1, '')
    reads = rf'{own}\d+\.layers\.\d+\.own|{low}\d+\.layers\.\d+\.low'
    return widest_bottleneck(found, reads)
