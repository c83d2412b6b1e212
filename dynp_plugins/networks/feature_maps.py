"""Dyn-Perceiver's feature maps for detectors: what they need, how they run, what is kept fixed.

Paper: "Dynamic Perceiver for Efficient Visual Recognition", arXiv 2306.11248 (ICCV 2023), section
4.4: a detector uses the whole backbone. Map ``i`` is what the CNN's stage ``i + 1`` returns after
the Z2X behind it. The published code has no detector; the cut is ours.
"""

from collections.abc import Callable, Iterator, Sequence
from contextlib import nullcontext
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.modules.batchnorm import _BatchNorm
from torch.utils.checkpoint import checkpoint

from ..errors import UserError

NUM_STAGES = 4
_LATENT_LISTS = dict(
    x2z=NUM_STAGES, self_attention=NUM_STAGES, mixers=NUM_STAGES - 1, z2x=NUM_STAGES - 1
)
"""The lists of modules of the latent branch, and how long they are in a classifier."""


def check_map_settings(out_indices: Any, frozen_stages: Any, with_cp: bool) -> None:
    """Refuse maps that do not exist, and more frozen stages than there are.

    Raises:
        UserError: One of them, or checkpointing without maps.
    """
    if out_indices is not None:
        is_sequence = isinstance(out_indices, Sequence) and not isinstance(out_indices, str)
        if not is_sequence or not all(type(i) is int for i in out_indices):
            raise UserError(
                f'out_indices={out_indices!r}: give a tuple of whole numbers, such as (0, 1, 2, 3)'
            )
        if not out_indices or not set(out_indices) <= set(range(NUM_STAGES)):
            raise UserError(
                f'out_indices={tuple(out_indices)}: the maps are 0, 1, 2 and 3, one behind each '
                'stage; give at least one of them'
            )
        if list(out_indices) != sorted(set(out_indices)):
            raise UserError(
                f'out_indices={tuple(out_indices)}: give every map once and in ascending order, '
                f'{tuple(sorted(set(out_indices)))}'
            )
    elif with_cp:
        raise UserError(
            'with_cp=True needs out_indices: only the feature maps of detectors are computed with '
            'activation checkpointing'
        )
    last = NUM_STAGES if out_indices is None else out_indices[-1] + 1
    if type(frozen_stages) is not int or not -1 <= frozen_stages <= last:
        raise UserError(
            f'frozen_stages={frozen_stages!r}: give -1 to train everything, 0 to keep the stem '
            f'fixed, or the number of stages to keep fixed with it, up to {last}'
        )


def latent_depth(num_stages: int, with_z2x: bool, with_last_z2x: bool) -> int:
    """How many stages of the latent branch the features behind ``num_stages`` CNN stages need.

    What comes after the last Z2X before them does not reach them.
    """
    if num_stages == NUM_STAGES and with_last_z2x:
        return NUM_STAGES
    return min(num_stages, NUM_STAGES - 1) if with_z2x else 0


def feature_maps(backbone: nn.Module, images: Tensor) -> tuple[Tensor, ...]:
    """The maps ``out_indices`` of a `DynPerceiverBackbone`.

    Args:
        backbone: Built with ``out_indices``.
        images: (B, 3, H, W) of any size from the largest stride of the maps on.

    Returns:
        By map: (B, C, H / stride, W / stride), rounded up.

    Raises:
        UserError: The images are smaller than the largest stride, or see `check_images`.
    """
    state = backbone.start(images)
    _check_size(images, max(backbone.out_strides))
    run = _checkpointed if backbone.with_cp and torch.is_grad_enabled() else _plainly
    x, z = state['x'], backbone.initial_latent(len(images))
    maps = []
    for i, stage in enumerate(backbone.feature_branch.stages):
        exchanges = i < backbone.latent_depth
        if exchanges:
            z = run(backbone.read_features, i, x, z)
        x = run(stage, x)
        if exchanges:
            x, z = run(backbone.fuse, i, x, z)
        if i in backbone.out_indices:
            maps.append(x)
    return tuple(maps)


def keep_fixed(backbone: nn.Module) -> None:
    """Take what ``frozen_stages`` names out of training, and the norms if ``norm_eval`` says so.

    The frozen part of a `DynPerceiverBackbone` is a fixed function: none of its weights has a
    gradient, and its normalisation and stochastic depth are in eval mode. It is everything that map
    ``frozen_stages - 1`` is computed with, the latent branch up to there included; 0 is the stem.
    """
    for part in _frozen_parts(backbone):
        part.requires_grad_(False)
        if isinstance(part, nn.Module):
            part.eval()
    if backbone.norm_eval:
        for module in backbone.modules():
            if isinstance(module, _BatchNorm):
                module.eval()


def _frozen_parts(backbone: nn.Module) -> Iterator[nn.Module | nn.Parameter]:
    count = backbone.frozen_stages
    if count < 0:
        return
    yield backbone.feature_branch.stem
    yield from backbone.feature_branch.stages[:count]
    depth = min(
        backbone.latent_depth,
        latent_depth(count, backbone.with_z2x, backbone.with_last_z2x),
    )
    if depth:
        yield backbone.latent
        for name in _LATENT_LISTS:
            yield from filter(None, getattr(backbone, name)[:depth])
        if depth == NUM_STAGES:
            yield backbone.last_z2x


def unbuilt_parts(backbone: nn.Module) -> list[str]:
    """What a classifier's backbone has and this one has not, because nothing it returns needs it.

    Args:
        backbone: Any; only a `DynPerceiverBackbone` is ever built in part.

    Returns:
        Names of modules and parameters.
    """
    depth = getattr(backbone, 'latent_depth', None)
    if depth is None:
        return []
    stages = range(len(backbone.feature_branch.stages), NUM_STAGES)
    parts = [f'feature_branch.stages.{i}' for i in stages]
    if depth == 0:
        return [*parts, 'latent', *_LATENT_LISTS, 'last_z2x']
    for name, count in _LATENT_LISTS.items():
        parts += [f'{name}.{i}' for i in range(depth, count)]
    return parts if depth == NUM_STAGES else [*parts, 'last_z2x']


def _check_size(images: Tensor, stride: int) -> None:
    height, width = images.shape[-2:]
    if min(height, width) < stride:
        raise UserError(
            f'images of {height} x {width} pixels are smaller than the largest stride of the maps, '
            f'{stride}: resize them to larger ones, or pad them with '
            f'data_preprocessor.pad_size_divisor={stride}'
        )


def _plainly(function: Callable, *args: Any) -> Any:
    return function(*args)


def _checkpointed(function: Callable, *args: Any) -> Any:
    """Run a function so that what it computes is forgotten, and computed again in backward.

    The second time, the normalisation layers of a CNN's stage update copies of their statistics:
    with torch's checkpointing alone, every batch would count twice. The exchanges between the
    branches have no layers with statistics.
    """
    modules = function.modules() if isinstance(function, nn.Module) else ()
    kept = _StatisticsKept([module for module in modules if isinstance(module, _BatchNorm)])
    return checkpoint(
        function, *args, use_reentrant=False, context_fn=lambda: (nullcontext(), kept)
    )


class _StatisticsKept:
    """Within, normalisation layers have copies of their statistics."""

    def __init__(self, norms: Sequence[nn.Module]):
        self.norms = norms
        self.own: list[dict[str, Tensor]] = []

    def __enter__(self) -> None:
        self.own = [dict(norm.named_buffers()) for norm in self.norms]
        self._set([{name: value.clone() for name, value in own.items()} for own in self.own])

    def __exit__(self, *error: Any) -> None:
        self._set(self.own)

    def _set(self, buffers: Sequence[dict[str, Tensor]]) -> None:
        for norm, values in zip(self.norms, buffers, strict=True):
            for name, value in values.items():
                setattr(norm, name, value)
