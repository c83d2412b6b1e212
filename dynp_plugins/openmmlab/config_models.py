"""Building the model that a config describes, and loading a checkpoint into it strictly."""

import copy

from mmengine.config import Config
from mmengine.registry import MODELS, DefaultScope
from torch import nn

from ..checkpoints import Checkpoint, check_weights
from ..checkpoints.hashing import weights_sha256
from ..checkpoints.loading import to_classifier_keys
from .config_files import building_from


def build_model(config: Config) -> nn.Module:
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


def load_model(model: nn.Module, checkpoint: Checkpoint) -> tuple[nn.Module, str]:
    """Load a checkpoint strictly, whatever its naming.

    Returns:
        The model in eval mode, and the hash of its weights.

    Raises:
        UserError: The weights do not fit.
    """
    weights = to_classifier_keys(checkpoint.state_dict)
    check_weights(model.state_dict(), weights, str(checkpoint.path))
    model.load_state_dict(weights)
    return model.eval(), weights_sha256(weights)
