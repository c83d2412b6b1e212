"""Turning an official checkpoint into this project's own names and file layout."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from ..atomic_files import atomic_path
from ..errors import UserError
from ..networks import DynPerceiverBackbone, build_network
from . import official_dyn_perceiver
from .loading import check_weights, describe_problems, to_classifier_keys
from .reading import read_checkpoint

_OFFICIAL_TABLES = {
    DynPerceiverBackbone: official_dyn_perceiver.our_key,
}
"""By backbone: a function of an official key and the backbone that gives our key, or None."""


def convert_state_dict(
    official: Mapping[str, Tensor], model: str, source: str = 'the checkpoint', **overrides: Any
) -> dict[str, Tensor]:
    """Rename official weights and check that they are exactly what ``model`` needs.

    Args:
        official: An official state dict.
        model: A name of `list_models`.
        source: Where the weights come from, for messages.
        **overrides: Settings of the model, as for `create_model`.

    Raises:
        UserError: Any unknown, missing or wrongly shaped key; all of them are listed.
    """
    network = build_network(model, **overrides)
    our_key = _OFFICIAL_TABLES[type(network.backbone)]
    renamed = {key: our_key(key, network.backbone) for key in official}
    unknown = [key for key, ours in renamed.items() if ours is None]
    if unknown:
        raise UserError(
            f'{source} is not an official checkpoint of {model}\n'
            + describe_problems({'unknown': unknown})
        )
    converted = {ours: official[key] for key, ours in renamed.items()}
    check_weights(network.state_dict(), converted, source)
    return converted


def convert_checkpoint(
    source: str | Path, destination: str | Path, model: str, overwrite: bool = False, **overrides
) -> int:
    """Convert the official checkpoint file ``source``; return the number of tensors written.

    ``destination`` holds ``{'state_dict': ..., 'meta': {'model': ..., 'settings': ...}}``, with the
    names an OpenMMLab classifier gives its tensors, so that configs can load it (``load_from``,
    ``init_cfg``) as well as `create_model`. It appears whole or not at all.

    Raises:
        UserError: ``source`` cannot be read or does not fit, or ``destination`` exists and
            ``overwrite`` is not set.
    """
    if Path(destination).exists() and not overwrite:
        raise UserError(f'{destination} exists already; give --overwrite to replace it')
    checkpoint = read_checkpoint(source)
    weights = convert_state_dict(checkpoint.state_dict, model, str(source), **overrides)
    with atomic_path(destination) as temporary:
        torch.save(
            {
                'state_dict': to_classifier_keys(weights),
                'meta': {'model': model, 'settings': overrides},
            },
            temporary,
        )
    return len(weights)
