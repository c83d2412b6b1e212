"""Which network a set of weights belongs to: what the names and shapes of its tensors tell.

Only used to say, when weights do not fit, which settings would make them fit.
"""

from collections.abc import Callable, Iterator, Mapping
from typing import Any

import torch
from torch import Tensor

from ...errors import UserError
from ...networks import build_network
from .dyn_perceiver import dyn_perceiver_candidates
from .msdnet import msdnet_candidates
from .ranet import ranet_candidates
from .tensors import shapes_of

_CANDIDATES: tuple[Callable[[Mapping[str, Tensor]], Iterator[dict[str, Any]]], ...] = (
    dyn_perceiver_candidates,
    msdnet_candidates,
    ranet_candidates,
)


def likely_settings(state_dict: Mapping[str, Tensor]) -> dict[str, Any] | None:
    """The network that has exactly these tensors, as ``name`` and every setting.

    Args:
        state_dict: Weights under this project's names, as in a plain `MultiExitNetwork`.

    Returns:
        ``name`` and the keyword arguments for `create_model`, or None where no known network has
        exactly these names and shapes.
    """
    for candidates in _CANDIDATES:
        try:
            for settings in candidates(state_dict):
                if fits(settings, state_dict):
                    return settings
        except (KeyError, IndexError, ValueError):  # a tensor it looks at is not there
            continue
    return None


def differing_settings(
    ours: Mapping[str, Any], theirs: Mapping[str, Any]
) -> tuple[dict[str, Any], dict[str, Any]]:
    """Where two networks differ: our settings that they have otherwise, and theirs."""
    names = [name for name in theirs if ours.get(name, theirs) != theirs[name]]
    return {n: ours[n] for n in names if n in ours}, {n: theirs[n] for n in names}


def fits(settings: Mapping[str, Any], state_dict: Mapping[str, Tensor]) -> bool:
    """Whether the network that `create_model` makes of ``settings`` has exactly these tensors."""
    try:
        with torch.device('meta'):
            network = build_network(**settings)
    except UserError:  # no such network
        return False
    return shapes_of(network.state_dict()) == shapes_of(state_dict)
