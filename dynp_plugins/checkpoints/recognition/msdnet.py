"""An MSDNet's settings, read off its tensors.

Of settings that give the same network, those with the smallest growth factors are named.
"""

import math
import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from torch import Tensor

from ...networks.msdnet_settings import plan_layers
from .tensors import count_matches, num_classes_of, shares_that_give, widest_bottleneck

_UNITS = 'backbone.units.'


def msdnet_candidates(found: Mapping[str, Tensor]) -> Iterator[dict[str, Any]]:
    """Every setting of an MSDNet that has as many layers and exits as ``found``."""
    num_scales = count_matches(found, rf'{_UNITS}first_scale(\d+)\.')
    total = max(int(m[1]) for key in found if (m := re.match(rf'{_UNITS}layer(\d+)_', key)))
    num_blocks = count_matches(found, r'heads\.classifiers\.(\w+)\.')
    stem = found[f'{_UNITS}first_scale0.0.weight']
    widths = [len(found[f'{_UNITS}first_scale{scale}.0.weight']) for scale in range(num_scales)]
    growth = len(found[f'{_UNITS}layer1_scale0.normal.1.0.weight'])
    common = dict(
        name='msdnet',
        num_classes=num_classes_of(found, 'heads.classifiers.exit1.'),
        stem='imagenet' if stem.shape[-1] == 7 else 'cifar',
        num_blocks=num_blocks,
        num_scales=num_scales,
        bottleneck_factor=tuple(_bottleneck_factor(found, scale) for scale in range(num_scales)),
    )
    exit_channels = _exit_channels_of(found, num_blocks)
    for growth_factor in _growth_factors(widths):
        sizes = dict(
            channels=widths[0] // growth_factor[0],
            growth_rate=growth // growth_factor[0],
            growth_factor=growth_factor,
        )
        for reduction in _reductions(found, growth_factor):
            for prune in ('max', 'min'):
                for step_mode, base, step in _depths(total, num_blocks):
                    depth = dict(base=base, step=step, step_mode=step_mode)
                    settings = {**common, **sizes, **depth, 'reduction': reduction, 'prune': prune}
                    if _exit_channels(settings) == exit_channels:
                        yield settings


def _growth_factors(widths: Sequence[int]) -> Iterator[tuple[int, ...]]:
    """Factors of the scales that have these widths; those without a common divisor first."""
    most = math.gcd(*widths)
    for common in range(1, most + 1):
        if most % common == 0:
            yield tuple(width // most * common for width in widths)


def _exit_channels(settings: dict[str, Any]) -> list[int]:
    """Widths of the maps that the exits read, without building the network."""
    schedule = ('num_blocks', 'base', 'step', 'step_mode', 'num_scales', 'reduction', 'prune')
    width, widths = settings['channels'], []
    for block in plan_layers(**{name: settings[name] for name in schedule}):
        for layer in block:
            width += settings['growth_rate']
            if layer.with_transition:
                width = math.floor(settings['reduction'] * width)
        widths.append(width * settings['growth_factor'][-1])
    return widths


def _exit_channels_of(found: Mapping[str, Tensor], num_blocks: int) -> list[int]:
    return [found[f'heads.classifiers.exit{k + 1}.0.0.weight'].shape[1] for k in range(num_blocks)]


def _depths(total: int, num_blocks: int) -> Iterator[tuple[str, int, int]]:
    """(step mode, base, step) of all networks with ``total`` layers in ``num_blocks`` blocks."""
    later = num_blocks - 1
    for step in range(1, total + 1):
        for step_mode, in_later in (
            ('even', later * step),
            ('lin_grow', step * later * (later + 1) // 2 + later),
        ):
            if total - in_later >= 1:
                yield step_mode, total - in_later, step


def _bottleneck_factor(found: Mapping[str, Tensor], scale: int) -> int:
    """That of the layers that read this scale."""
    reads = rf'{_UNITS}layer\d+_scale(?:{scale}\.normal|{scale + 1}\.down)'
    return widest_bottleneck(found, reads)


def _reductions(found: Mapping[str, Tensor], growth_factor: tuple[int, ...]) -> list[float]:
    pattern = re.compile(rf'{_UNITS}transition\d+_scale(\d+)\.0\.weight')
    pairs = [
        (weight.shape[1] // growth_factor[int(m[1])], weight.shape[0] // growth_factor[int(m[1])])
        for key, weight in found.items()
        if (m := pattern.fullmatch(key))
    ]
    return shares_that_give(pairs) if pairs else [0]
