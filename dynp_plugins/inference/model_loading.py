"""A trained network by its config or by its name."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import torch

from ..errors import UserError
from .loaded_model import LoadedModel
from .named_model import Preprocess, load_named_model

CONFIG_SUFFIXES = ('.py', '.json', '.yaml', '.yml')
"""By these a config file is told from a name."""


def load_model(
    config_or_name: str | Path,
    checkpoint: str | Path,
    device: torch.device,
    classes: Sequence[str] | None = None,
    preprocess: Preprocess | None = None,
    cfg_options: Mapping[str, Any] | None = None,
    settings: Mapping[str, Any] | None = None,
) -> LoadedModel:
    """The model by its config or name, with the arguments that belong to the one or the other.

    Args:
        config_or_name: See `DynamicInferencer`, as for all of these.
        checkpoint: The weights.
        device: Where the network is to run.
        classes: Names of the classes.
        preprocess: For names only.
        cfg_options: For configs only.
        settings: For names only.

    Raises:
        UserError: An argument belongs to the other kind; see `load_config_model` and
            `load_named_model`.
    """
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
