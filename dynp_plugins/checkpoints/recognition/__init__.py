"""Which network a set of weights belongs to: what the names and shapes of its tensors tell.

Only used to say, when weights do not fit, which settings would make them fit.
"""

from collections.abc import Callable, Iterator, Mapping
from typing import Any

import torch
from torch import Tensor

from ...errors import UserError
from ...networks import build_network
from .dyn_perceiver import dyn_perceiver_candidates, likely_branch
from .msdnet import msdnet_candidates
from .ranet import ranet_candidates
from .tensors import FEATURE_BRANCH_PREFIX, feature_branch_of, shapes_of

__all__ = [
    'FEATURE_BRANCH_PREFIX',
    'feature_branch_of',
    'fits',
    'likely_branch',
    'likely_settings',
]

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
        # A tensor it looks at is not there, or is nothing like what it should be.
        except (LookupError, ArithmeticError, ValueError, TypeError):
            continue
    return None


def fits(settings: Mapping[str, Any], state_dict: Mapping[str, Tensor]) -> bool:
    """Whether the network that `create_model` makes of ``settings`` has exactly these tensors."""
    try:
        with torch.device('meta'):
            network = build_network(**settings)
    except UserError:  # no such network
        return False
    return shapes_of(network.state_dict()) == shapes_of(state_dict)
