"""Building the picture or video classifier that a config describes, and the network inside it."""

import sys

from mmengine.config import Config
from torch import nn

from ..checkpoints import Checkpoint
from ..errors import UserError
from ..networks import ExitBackbone, ExitHeads, MultiExitNetwork
from .config_models import build_model, load_model
from .recognizers import recognizer_network
from .video_heads import MultiExitVideoHead


def build_classifier(config: Config) -> nn.Module:
    """The config's ``model`` with its ``data_preprocessor``, with fresh weights.

    No file of weights is read: ``init_cfg`` only takes effect when somebody calls
    ``init_weights``.

    Raises:
        UserError: The registries refuse the config.
    """
    return build_model(config)


def load_classifier(config: Config, checkpoint: Checkpoint) -> tuple[nn.Module, str]:
    """The config's classifier in eval mode with a checkpoint's weights, loaded strictly.

    Returns:
        The classifier, on the CPU, and the hash of its weights.

    Raises:
        UserError: The config cannot be built or has no exits, or the weights do not fit it.
    """
    classifier = build_classifier(config)
    multi_exit_network(classifier)  # a head that does not fit is not to be blamed on the weights
    return load_model(classifier, checkpoint)


def is_video_model(model: nn.Module) -> bool:
    """Whether a model is one of mmaction2's recognizers."""
    # Whoever has built one has imported them; for pictures that would be seconds of waiting.
    recognizers = sys.modules.get('mmaction.models.recognizers')
    return recognizers is not None and isinstance(model, recognizers.BaseRecognizer)


def classification_head(model: nn.Module) -> nn.Module | None:
    """The head of a picture or video classifier."""
    return getattr(model, 'cls_head' if is_video_model(model) else 'head', None)


def multi_exit_network(classifier: nn.Module) -> MultiExitNetwork:
    """The plain network inside a classifier; weights and mode are shared.

    Args:
        classifier: An ``mmpretrain.ImageClassifier`` or ``mmaction.Recognizer2D`` whose backbone
            and head have exits; or a TSN or TSM of mmaction2, as a network with one exit.

    Raises:
        UserError: It is neither.
    """
    backbone = getattr(classifier, 'backbone', None)
    heads = getattr(classification_head(classifier), 'heads', None)
    if is_video_model(classifier) and not _has_exits(classifier):
        network = recognizer_network(classifier)
    elif isinstance(backbone, ExitBackbone) and isinstance(heads, ExitHeads):
        network = MultiExitNetwork(backbone, heads)
    else:
        raise UserError(
            f'the {type(classifier).__name__} has a {type(backbone).__name__} without exits: use a '
            "multi-exit backbone such as dict(type='DynPerceiver') with "
            "head=dict(type='MultiExitHead')"
        )
    network.training = classifier.training  # of itself alone: its parts are in their modes already
    return network


def _has_exits(recognizer: nn.Module) -> bool:
    """Whether a recognizer hands folded frames to exits that average over them."""
    return (
        type(recognizer).__name__ == 'Recognizer2D'
        and isinstance(recognizer.backbone, ExitBackbone)
        and isinstance(classification_head(recognizer), MultiExitVideoHead)
    )
