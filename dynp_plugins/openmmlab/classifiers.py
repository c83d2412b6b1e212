"""Building the classifier that a config describes, and the network inside it."""

import copy

from mmengine.config import Config
from mmengine.registry import MODELS, DefaultScope
from torch import nn

from ..errors import UserError
from ..networks import ExitBackbone, ExitHeads, MultiExitNetwork
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


def multi_exit_network(classifier: nn.Module) -> MultiExitNetwork:
    """The plain network inside an ``mmpretrain.ImageClassifier``; weights and mode are shared.

    Raises:
        UserError: The classifier has no `MultiExitHead` or no backbone with exits.
    """
    backbone = getattr(classifier, 'backbone', None)
    heads = getattr(getattr(classifier, 'head', None), 'heads', None)
    if not isinstance(backbone, ExitBackbone) or not isinstance(heads, ExitHeads):
        raise UserError(
            f'the {type(classifier).__name__} has a {type(backbone).__name__} without exits: use a '
            "multi-exit backbone such as dict(type='DynPerceiver') with "
            "head=dict(type='MultiExitHead')"
        )
    network = MultiExitNetwork(backbone, heads)
    network.training = classifier.training  # of itself alone: its parts are in their modes already
    return network
