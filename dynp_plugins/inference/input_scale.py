"""The scale that a detector's test pipeline brings pictures to, and the same pipeline at another.

A scale is (longer side, shorter side) in pixels: a picture is resized as large as fits into it,
whether it is upright or lies.
"""

import re
from collections.abc import Mapping, Sequence
from typing import Any

from torch import nn

from ..errors import UserError
from .pipeline_steps import Step, step_name

Scale = tuple[int, int]
"""(longer side, shorter side) in pixels."""


STRIDE = 32
"""Of the last feature map of nearly every backbone, where it does not say."""


def parse_scale(text: str, own: Scale | None = None) -> Scale:
    """A scale as command lines take it.

    Args:
        text: Both sides, such as ``1333x800``, or the shorter one alone, such as ``320``.
        own: The scale whose ratio of sides a shorter side alone gets, the config's own; None if it
            has none.

    Raises:
        UserError: It is none, or a shorter side alone and there is no ratio.
    """
    found = re.fullmatch(r'(?:(\d+)[xX])?(\d+)', text.strip())
    if found is None:
        raise UserError(
            f'scale {text!r}: write LONGxSHORT in pixels, such as 1333x800, or the shorter side '
            'alone'
        )
    short = int(found[2])
    if found[1] is not None:
        return check_scale((int(found[1]), short))
    if own is None:
        raise UserError(
            f'scale {text!r}: the config has no scale of its own, whose longer side would belong '
            'to that shorter one: write LONGxSHORT'
        )
    return check_scale((round(short * own[0] / own[1]), short))


def largest_stride(detector: nn.Module) -> int:
    """Of the backbone's feature maps; `STRIDE` where it does not say."""
    return max(getattr(detector.backbone, 'out_strides', ()), default=STRIDE)


def check_stride(scale: Scale, stride: int) -> None:
    """Refuse a scale at which the deepest feature map would have no whole pixel.

    Raises:
        UserError: Its shorter side is smaller than the stride.
    """
    if scale[1] < stride:
        raise UserError(
            f'the scale {scale[0]}x{scale[1]} is smaller than the largest stride of the backbone, '
            f'{stride}: choose shorter sides of at least {stride} pixels'
        )


def check_scale(scale: Sequence[int]) -> Scale:
    """A scale as a tuple of plain numbers.

    Raises:
        UserError: It is none.
    """
    try:
        long, short = scale
        whole = int(long) == long and int(short) == short
    except (TypeError, ValueError):
        whole = False
    if not whole or not 0 < short <= long:
        raise UserError(
            f'scale={scale!r}: give (longer side, shorter side) in whole pixels, such as '
            '(1333, 800)'
        )
    return int(long), int(short)


def scale_of(steps: Sequence[Step]) -> Scale | None:
    """The scale of a pipeline; None where it resizes otherwise, by a factor or not at all."""
    resizing = [step for step in steps if _resizes(step)]
    given = resizing[0].get('scale') if len(resizing) == 1 else None
    if given is None:
        return None
    sides = (given, given) if isinstance(given, int) else tuple(given)
    return max(sides), min(sides)


def at_scale(steps: Sequence[Step], scale: Sequence[int]) -> list[Step]:
    """The same pipeline, but it resizes to another scale.

    A step that pads pictures to one size pads them to a square of the longer side.

    Args:
        steps: A test pipeline with one ``Resize`` step.
        scale: (longer side, shorter side) in pixels.

    Raises:
        UserError: The pipeline has no such step or several of them; it does not keep the pictures'
            aspect ratio, as those of SSD do, and the scale is no square; or the scale is none.
    """
    long, short = check_scale(scale)
    resizing = [step for step in steps if _resizes(step)]
    if len(resizing) != 1:
        raise UserError(
            f'the test pipeline has {len(resizing)} Resize steps among '
            f'{", ".join(map(step_name, steps))}: a scale can be put into one that has exactly one'
        )
    if not resizing[0].get('keep_ratio') and 'scale_factor' not in resizing[0] and long != short:
        raise UserError(
            f'scale={(long, short)}: the Resize step of this test pipeline does not keep the '
            'aspect ratio, so that its scale is a square: give both sides alike, or set '
            'keep_ratio=True in it'
        )
    return [_step_at(step, long, short) for step in steps]


def _step_at(step: Step, long: int, short: int) -> Step:
    if _resizes(step):
        kept = {key: value for key, value in step.items() if key != 'scale_factor'}
        by_factor = {'keep_ratio': True} if 'scale_factor' in step else {}
        return kept | by_factor | {'scale': (long, short)}
    if isinstance(step, Mapping) and step_name(step) == 'Pad' and step.get('size') is not None:
        return {**step, 'size': (long, long)}
    return step


def _resizes(step: Any) -> bool:
    return isinstance(step, Mapping) and step_name(step) in ('Resize', 'FixScaleResize')
