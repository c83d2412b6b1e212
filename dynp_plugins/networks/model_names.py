"""The names `create_model` knows, and how each network is built."""

import difflib
import inspect
from collections.abc import Callable
from typing import Any

from ..errors import UserError
from .contract import MultiExitNetwork
from .dyn_perceiver import DynPerceiverBackbone
from .dyn_perceiver_heads import DynPerceiverHeads
from .feature_branches import list_feature_branches


def dyn_perceiver(
    arch: str, num_classes: int = 1000, with_fkt: bool = True, **backbone_settings: Any
) -> MultiExitNetwork:
    """A Dyn-Perceiver with fresh weights.

    Args:
        arch: Feature branch.
        num_classes: Number of classes.
        with_fkt: Forward knowledge transfer between the heads.
        **backbone_settings: As in `DynPerceiverBackbone`.
    """
    backbone = DynPerceiverBackbone(arch, **backbone_settings)
    heads = DynPerceiverHeads(
        backbone.exit_channels, num_classes, backbone.exit_names, with_fkt=with_fkt
    )
    return MultiExitNetwork(backbone, heads)


def _overrides_of(*callables: Callable) -> list[str]:
    """Names of the keyword arguments of ``callables``, without the ones a model name fixes."""
    names = [
        p.name
        for function in callables
        for p in inspect.signature(function).parameters.values()
        if p.kind is p.POSITIONAL_OR_KEYWORD
    ]
    return [name for name in names if name != 'arch']


_DYN_PERCEIVER_OVERRIDES = _overrides_of(dyn_perceiver, DynPerceiverBackbone)
_TINY = dict(num_latents=16, depth_factor=(1 / 3, 1 / 3, 1 / 9, 1 / 3), latent_grid=4)
_SETTINGS = {
    f'dyn_perceiver_{arch}': dict(arch=arch, **(_TINY if arch == 'regnety_tiny' else {}))
    for arch in list_feature_branches()
}


def list_models() -> list[str]:
    """The names `create_model` knows."""
    return sorted(_SETTINGS)


def build_network(name: str, **overrides: Any) -> MultiExitNetwork:
    """Build the network called ``name`` with fresh weights.

    Raises:
        UserError: Unknown name (the closest ones are given) or override (the valid ones are).
    """
    if name not in _SETTINGS:
        close = difflib.get_close_matches(name, _SETTINGS, n=3, cutoff=0)
        raise UserError(f'unknown model {name!r}; the closest names are {", ".join(close)}')
    for override in overrides:
        if override not in _DYN_PERCEIVER_OVERRIDES:
            raise UserError(
                f'{name} has no setting {override!r}; valid are '
                f'{", ".join(_DYN_PERCEIVER_OVERRIDES)}'
            )
    return dyn_perceiver(**{**_SETTINGS[name], **overrides})
