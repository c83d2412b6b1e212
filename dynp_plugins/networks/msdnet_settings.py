"""MSDNet's settings: which are possible, and the layers, scales and transitions they stand for."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from ..errors import UserError
from .dense_layers import STEM_STRIDES

_CHOICES = {
    'stem': tuple(STEM_STRIDES),
    'step_mode': ('even', 'lin_grow'),
    'prune': ('max', 'min'),
}
_COUNTS = ('num_blocks', 'base', 'step', 'num_scales', 'channels', 'growth_rate')
_FACTORS = ('growth_factor', 'bottleneck_factor')


@dataclass(frozen=True)
class LayerPlan:
    """One dense layer.

    Attributes:
        number: Counted from 1 through all blocks.
        kept_scales: How many scales, the coarsest ones, it has.
        with_transition: Whether a transition follows it.
    """

    number: int
    kept_scales: int
    with_transition: bool


def plan_layers(
    num_blocks: int,
    base: int,
    step: int,
    step_mode: str,
    num_scales: int,
    reduction: float,
    prune: str,
) -> list[list[LayerPlan]]:
    """The dense layers of each block; the arguments are those of `MSDNetBackbone`, checked.

    Raises:
        UserError: Scales would end before they exist.
    """
    later = range(1, num_blocks)
    sizes = [base, *(step if step_mode == 'even' else step * i + 1 for i in later)]
    total = sum(sizes)
    if prune == 'min' and total < num_scales - 1:
        raise UserError(
            f"prune='min' ends at most one scale with each layer, but num_scales={num_scales} are "
            f'too many for {total} layers in all: give at most num_scales={total + 1}, or more '
            'layers by base, step or num_blocks'
        )
    # The first layer, which no block counts, has all the scales.
    kept = [num_scales, *(_kept_scales(n, total, num_scales, prune) for n in range(1, total + 1))]
    blocks = []
    first = 1
    for size in sizes:
        blocks.append(
            [
                LayerPlan(
                    number,
                    kept[number],
                    reduction > 0
                    and (
                        kept[number] < kept[number - 1]
                        if prune == 'max'
                        else number in (total // 3, 2 * total // 3)
                    ),
                )
                for number in range(first, first + size)
            ]
        )
        first += size
    return blocks


def _kept_scales(number: int, total: int, num_scales: int, prune: str) -> int:
    if prune == 'max':
        return num_scales - (number - 1) // math.ceil(total / num_scales)
    return min(num_scales, total - number + 1)


def check_settings(settings: dict[str, Any]) -> None:
    """Check the arguments of `MSDNetBackbone`, by name.

    Raises:
        UserError: One is not possible, or two do not fit each other.
    """
    for name, choices in _CHOICES.items():
        if settings[name] not in choices:
            raise UserError(f'{name}={settings[name]!r}: give one of {choices}')
    for name in _COUNTS:
        if not _is_count(settings[name]):
            raise UserError(f'{name}={settings[name]!r}: give a whole number of at least 1')
    for name in _FACTORS:
        _check_factors(name, settings[name], settings['num_scales'])
    reduction = settings['reduction']
    if not isinstance(reduction, int | float) or not 0 <= reduction <= 1:
        raise UserError(
            f'reduction={reduction!r}: give the share of channels that transitions keep, above 0 '
            'and at most 1, or 0 for no transitions'
        )
    growth_rate, growth_factor = settings['growth_rate'], settings['growth_factor']
    for scale, factor in enumerate(growth_factor[1:], 1):
        if growth_rate * factor % 2:
            raise UserError(
                f'growth_rate={growth_rate} with growth_factor={tuple(growth_factor)!r} adds '
                f'{growth_rate * factor} channels at scale {scale}: half of them come from the '
                'next finer scale, so make the product even'
            )


def _check_factors(name: str, factors: Any, num_scales: int) -> None:
    if (
        isinstance(factors, str)
        or not isinstance(factors, Sequence)
        or len(factors) != num_scales
        or not all(_is_count(factor) for factor in factors)
    ):
        raise UserError(
            f'{name}={factors!r}: give one whole number of at least 1 for each of the '
            f'num_scales={num_scales} scales, the finest first'
        )


def _is_count(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and value >= 1
