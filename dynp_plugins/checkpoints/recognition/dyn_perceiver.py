"""A Dyn-Perceiver's settings, read off its tensors."""

import functools
import math
from collections.abc import Iterator, Mapping
from typing import Any

import torch
from torch import Tensor

from ...networks.dyn_perceiver import EXITS, SELF_ATTENTION_LAYERS
from ...networks.feature_branches import build_feature_branch, list_feature_branches, list_widths
from .tensors import (
    FEATURE_BRANCH_PREFIX,
    count_matches,
    feature_branch_of,
    has_prefix,
    num_classes_of,
    shapes_of,
)


def likely_branch(found: Mapping[str, Tensor]) -> tuple[str, float] | None:
    """Name and width of the feature branch in ``found``, None if there is none that is known."""
    branch = {
        key.removeprefix(FEATURE_BRANCH_PREFIX): value.shape
        for key, value in feature_branch_of(found).items()
    }
    for arch in list_feature_branches():
        for width in list_widths(arch):
            if _branch_shapes(arch, width) == branch:
                return arch, width
    return None


def dyn_perceiver_candidates(found: Mapping[str, Tensor]) -> Iterator[dict[str, Any]]:
    """The settings of a Dyn-Perceiver, as far as ``found`` belongs to one."""
    branch = likely_branch(found)
    if branch is None:
        return
    arch, width = branch
    exits = tuple(name for name in EXITS if has_prefix(found, f'heads.classifiers.{name}.'))
    settings = dict(
        name=f'dyn_perceiver_{arch}',
        num_classes=num_classes_of(found, 'heads.classifiers.merged.'),
        width=width,
        num_latents=len(found['backbone.latent']),
        depth_factor=tuple(
            _simple(count_matches(found, rf'backbone\.self_attention\.{i}\.(\d+)\.') / layers)
            for i, layers in enumerate(SELF_ATTENTION_LAYERS)
        ),
        latent_grid=math.isqrt(
            found['backbone.x2z.0.cross_attention.attention.position_bias'].shape[-2]
        ),
        exits=exits,
    )
    switches = dict(
        with_x2z='backbone.x2z.1.',
        with_z2x='backbone.z2x.0.',
        with_last_z2x='backbone.last_z2x.',
        with_dwc='backbone.x2z.0.dwconv.',
        with_token_mixer='backbone.mixers.0.tokens.',
        with_fkt='heads.fkt.',
    )
    yield settings | {name: has_prefix(found, key) for name, key in switches.items()}


def _simple(factor: float) -> float:
    return int(factor) if factor == int(factor) else factor


@functools.cache
def _branch_shapes(arch: str, width: float) -> dict[str, torch.Size]:
    with torch.device('meta'):
        return shapes_of(build_feature_branch(arch, width).state_dict())
