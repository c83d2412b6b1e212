"""Building the classifier that a config describes."""

import copy

from mmengine.config import Config
from mmengine.registry import MODELS, DefaultScope
from torch import nn

from .config_files import building_from


def build_classifier(config: Config) -> nn.Module:
    """The config's ``model`` with its ``data_preprocessor``, with fresh weights.

    No file of weights is read: ``init_cfg`` only takes effect when somebody calls
    ``init_weights``.

    Raises:
        UserError: The registries refuse the config.
    """
    model = copy.deepcopy(dict(config.model))  # building writes into its config
    model.setdefault('data_preprocessor', copy.deepcopy(config.get('data_preprocessor')))
    scope = DefaultScope.overwrite_default_scope(config.get('default_scope'))
    with scope, building_from(config):
        return MODELS.build(model)
