"""Turning published checkpoints into this project's own names and file layout."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from ..atomic_files import atomic_path
from ..errors import UserError
from ..networks import (
    DynPerceiverBackbone,
    MSDNetBackbone,
    MultiExitNetwork,
    RANetBackbone,
    StaticBackbone,
    build_network,
    list_models,
)
from . import feature_branch_weights, official_dyn_perceiver, official_msdnet, official_ranet
from .loading import check_weights, settings_hint, to_classifier_keys
from .reading import read_checkpoint
from .recognition import feature_branch_of, fits, likely_settings

_OFFICIAL_TABLES = {
    DynPerceiverBackbone: official_dyn_perceiver.our_key,
    MSDNetBackbone: official_msdnet.our_key,
    RANetBackbone: official_ranet.our_key,
    # A static network keeps its library's names, below where it is wrapped.
    StaticBackbone: lambda key, backbone: f'backbone.network.{key}',
}
"""By backbone: a function of an official key and the backbone that gives our key, or None."""


ORIGINS = ('official', *feature_branch_weights.TABLES)
"""Whose names the tensors have: the network's authors', or a library's of plain CNNs."""


def convert_state_dict(
    weights: Mapping[str, Tensor],
    model: str,
    source: str = 'the checkpoint',
    origin: str = 'official',
    **overrides: Any,
) -> dict[str, Tensor]:
    """Rename weights and check that they are exactly what ``model`` needs.

    Args:
        weights: A state dict as its makers name it.
        model: A name of `list_models`.
        source: Where the weights come from, for messages.
        origin: One of `ORIGINS`. What is not ``'official'`` is a plain CNN for the feature branch
            of a Dyn-Perceiver; its classifier is left out.
        **overrides: Settings of the model, as for `create_model`.

    Returns:
        The weights under our names: all of the network's, or those of its feature branch.

    Raises:
        UserError: Any unknown, missing or wrongly shaped key; all of them are listed.
    """
    if origin not in ORIGINS:
        raise UserError(f'unknown origin {origin!r}; choose one of {", ".join(ORIGINS)}')
    network = build_network(model, **overrides)
    backbone = network.backbone
    if origin == 'official':
        if type(backbone) not in _OFFICIAL_TABLES:
            raise UserError(f'{model} has no official checkpoints that need conversion')
        renamed = {key: _OFFICIAL_TABLES[type(backbone)](key, backbone) for key in weights}
        expected = network.state_dict()
    else:
        if not isinstance(backbone, DynPerceiverBackbone):
            raise UserError(f'{model} has no feature branch that {origin} weights could go to')
        renamed = {key: feature_branch_weights.our_key(key, origin, backbone) for key in weights}
        expected = feature_branch_of(network.state_dict())
    # What has no name of ours keeps its own, and is reported as unknown.
    converted = {
        key if ours is None else ours: weights[key]
        for key, ours in renamed.items()
        if ours != feature_branch_weights.LEFT_OUT
    }
    check_weights(expected, converted, source, lambda: _explain(weights, network, origin))
    return converted


def _explain(weights: Mapping[str, Tensor], network: MultiExitNetwork, origin: str) -> str | None:
    """What weights are that do not fit, as far as their makers' names tell."""
    if isinstance(network.backbone, DynPerceiverBackbone) and origin == 'official':
        library = feature_branch_weights.library_of(weights)
        return library and f'These are the names of {library}: convert them with --from {library}'
    if isinstance(network.backbone, MSDNetBackbone):
        theirs = _published_msdnet(weights)
        ours = likely_settings(network.state_dict())
        return settings_hint(ours, theirs) if ours and theirs else None
    return None


def _published_msdnet(weights: Mapping[str, Tensor]) -> dict[str, Any] | None:
    """The settings of the published MSDNet whose official checkpoint ``weights`` is.

    Official names of MSDNet's tensors can only be read by who knows the settings.
    """
    our_key = _OFFICIAL_TABLES[MSDNetBackbone]
    last_linear = [value for key, value in weights.items() if key.endswith('.linear.weight')]
    num_classes = len(last_linear[-1]) if last_linear else 1000
    for model in list_models():
        if model.startswith('msdnet'):
            settings = dict(name=model, num_classes=num_classes)
            with torch.device('meta'):
                candidate = build_network(**settings).backbone
            renamed = {our_key(key, candidate) or key: value for key, value in weights.items()}
            if fits(settings, renamed):
                return likely_settings(renamed)
    return None


def convert_checkpoint(
    source: str | Path,
    destination: str | Path,
    model: str,
    overwrite: bool = False,
    origin: str = 'official',
    **overrides: Any,
) -> int:
    """Convert the checkpoint file ``source``; return the number of tensors written.

    ``destination`` holds ``{'state_dict': ..., 'meta': {'model': ..., 'settings': ...}}``, with the
    names an OpenMMLab classifier gives its tensors, so that configs can load it (``load_from``,
    ``init_cfg``) as well as `create_model`. It appears whole or not at all.

    Args:
        source: The file to read.
        destination: The file to write.
        model: A name of `list_models`.
        overwrite: Whether ``destination`` may be replaced.
        origin: As in `convert_state_dict`.
        **overrides: Settings of the model.

    Raises:
        UserError: ``source`` cannot be read or does not fit, or ``destination`` exists and
            ``overwrite`` is not set.
    """
    if Path(destination).exists() and not overwrite:
        raise UserError(f'{destination} exists already; give --overwrite to replace it')
    checkpoint = read_checkpoint(source)
    weights = convert_state_dict(checkpoint.state_dict, model, str(source), origin, **overrides)
    with atomic_path(destination) as temporary:
        torch.save(
            {
                'state_dict': to_classifier_keys(weights),
                'meta': {'model': model, 'settings': overrides, 'origin': origin},
            },
            temporary,
        )
    return len(weights)
