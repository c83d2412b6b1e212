"""Which network a set of weights belongs to: what the names and shapes of its tensors tell.

Only used to say, when weights do not fit, which settings would make them fit.
"""

import functools
import math
import re
from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor

from ..networks import build_network
from ..networks.dyn_perceiver import EXITS, SELF_ATTENTION_LAYERS
from ..networks.feature_branches import build_feature_branch, list_feature_branches, list_widths

_BRANCH = 'backbone.feature_branch.'


def likely_settings(state_dict: Mapping[str, Tensor]) -> dict[str, Any] | None:
    """The network that has exactly these tensors, as ``name`` and every setting.

    Args:
        state_dict: Weights under this project's names, as in a plain `MultiExitNetwork`.

    Returns:
        ``name`` and the keyword arguments for `create_model`, or None where no known network has
        exactly these names and shapes.
    """
    for recognise in _RECOGNISERS:
        try:
            settings = recognise(state_dict)
        except (KeyError, IndexError, ValueError):  # a tensor it looks at is not there
            continue
        if settings is not None and _fits(settings, state_dict):
            return settings
    return None


def differing_settings(
    expected: Mapping[str, Tensor], found: Mapping[str, Tensor]
) -> tuple[dict[str, Any], dict[str, Any]] | None:
    """Where two networks differ: the settings of each that the other has otherwise.

    None if one of them is not recognised.
    """
    ours, theirs = likely_settings(expected), likely_settings(found)
    if ours is None or theirs is None:
        return None
    names = [name for name in theirs if ours.get(name, theirs) != theirs[name]]
    return {n: ours[n] for n in names if n in ours}, {n: theirs[n] for n in names}


def _fits(settings: Mapping[str, Any], state_dict: Mapping[str, Tensor]) -> bool:
    with torch.device('meta'):
        network = build_network(**settings)
    return _shapes(network.state_dict()) == _shapes(state_dict)


def _shapes(state_dict: Mapping[str, Tensor]) -> dict[str, torch.Size]:
    return {key: value.shape for key, value in state_dict.items()}


def _dyn_perceiver(found: Mapping[str, Tensor]) -> dict[str, Any] | None:
    branch = {
        key.removeprefix(_BRANCH): value.shape
        for key, value in found.items()
        if key.startswith(_BRANCH)
    }
    candidates = [
        candidate for candidate in _branch_candidates() if _branch_shapes(*candidate) == branch
    ]
    if not candidates:
        return None
    arch, width = candidates[0]
    exits = tuple(name for name in EXITS if any(_key_starts(found, f'heads.classifiers.{name}.')))
    settings = dict(
        name=f'dyn_perceiver_{arch}',
        num_classes=_num_classes(found, 'heads.classifiers.merged.'),
        width=width,
        num_latents=len(found['backbone.latent']),
        depth_factor=tuple(
            _simple(_count(found, rf'backbone\.self_attention\.{i}\.(\d+)\.') / layers)
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
    return settings | {name: any(_key_starts(found, key)) for name, key in switches.items()}


@functools.cache
def _branch_candidates() -> list[tuple[str, float]]:
    return [(arch, width) for arch in list_feature_branches() for width in list_widths(arch)]


@functools.cache
def _branch_shapes(arch: str, width: float) -> dict[str, torch.Size]:
    with torch.device('meta'):
        return _shapes(build_feature_branch(arch, width).state_dict())


def _num_classes(found: Mapping[str, Tensor], classifier: str) -> int:
    """Height of the last matrix of a classifier."""
    matrices = [v for k, v in found.items() if k.startswith(classifier) and v.ndim == 2]
    return len(matrices[-1])


def _count(found: Mapping[str, Tensor], pattern: str) -> int:
    return len({match[1] for key in found if (match := re.match(pattern, key))})


def _simple(factor: float) -> float:
    return int(factor) if factor == int(factor) else factor


def _key_starts(found: Mapping[str, Tensor], prefix: str) -> list[bool]:
    return [key.startswith(prefix) for key in found]


_RECOGNISERS = (_dyn_perceiver,)
