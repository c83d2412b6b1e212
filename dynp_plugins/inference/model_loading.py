"""A trained network by its config, by its name, or by the folder that it was exported to."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import torch

from ..errors import UserError
from ..networks import list_models
from .exported import is_export, load_exported_model
from .loaded_model import LoadedModel, choose_device
from .named_model import Preprocess, load_named_model

CONFIG_SUFFIXES = ('.py', '.json', '.yaml', '.yml')
"""By these a config file is told from a name."""


def load_model(
    config_or_name: str | Path,
    checkpoint: str | Path | None = None,
    device: str | torch.device | None = None,
    classes: Sequence[str] | None = None,
    preprocess: Preprocess | None = None,
    cfg_options: Mapping[str, Any] | None = None,
    settings: Mapping[str, Any] | None = None,
) -> LoadedModel:
    """The model by its config, name or export, with the arguments that belong to one of these.

    Args:
        config_or_name: See `DynamicInferencer`, as for all of these.
        checkpoint: The weights; for configs and names only.
        device: Where the network is to run.
        classes: Names of the classes.
        preprocess: For names and exports only.
        cfg_options: For configs only.
        settings: For names only.

    Raises:
        UserError: An argument belongs to another kind, or the checkpoint is missing; see
            `load_config_model`, `load_named_model` and `load_exported_model`.
    """
    if names_export(config_or_name, checkpoint is not None):
        _refuse_for_export(config_or_name, checkpoint, cfg_options, settings)
        return load_exported_model(config_or_name, device, classes, preprocess)
    if Path(config_or_name).is_dir() and not _is_name(config_or_name, checkpoint is not None):
        raise UserError(
            f'{config_or_name} is a folder without a manifest.json: give a config, a name, or a '
            'folder that tools/export.py wrote'
        )
    if checkpoint is None:
        raise UserError(
            f'{config_or_name} has no weights: give the checkpoint, too, a file or the work folder '
            'of a run'
        )
    device = choose_device(device)
    if not str(config_or_name).endswith(CONFIG_SUFFIXES):
        if cfg_options:
            raise UserError(
                f'cfg_options are for configs; settings of {config_or_name} are given by name, '
                'such as num_classes=10'
            )
        return load_named_model(
            str(config_or_name), checkpoint, device, classes, preprocess, settings
        )
    if settings:
        raise UserError(
            f'{", ".join(settings)}: settings are for names; override entries of the config '
            f'{config_or_name} with cfg_options={{...}}'
        )
    if preprocess is not None:
        raise UserError(f'preprocess is for names; {config_or_name} has a test pipeline')
    from .config_model import load_config_model  # brings OpenMMLab with it

    return load_config_model(config_or_name, checkpoint, device, classes, cfg_options)


def names_export(network: str | Path, has_checkpoint: bool) -> bool:
    """Whether an exported folder is meant, rather than a config or a name.

    Args:
        network: As given.
        has_checkpoint: Whether weights are given as well; the name of a network is then no folder
            that happens to be called like it.
    """
    return is_export(network) and not _is_name(network, has_checkpoint)


def _is_name(network: str | Path, has_checkpoint: bool) -> bool:
    return has_checkpoint and str(network) in list_models()


def _refuse_for_export(
    folder: str | Path,
    checkpoint: str | Path | None,
    cfg_options: Mapping[str, Any] | None,
    settings: Mapping[str, Any] | None,
) -> None:
    """Refuse what was settled when a folder was written."""
    if checkpoint is not None:
        raise UserError(f'the export {folder} holds its weights: leave {checkpoint} out')
    given = [*(settings or {}), *(['cfg_options'] if cfg_options else [])]
    if given:
        raise UserError(
            f'{", ".join(given)}: the export {folder} is as it was written; export again with that'
        )
