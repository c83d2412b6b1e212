"""Building the detector that a config describes, and checking that its neck fits the backbone."""

import sys

from mmengine.config import Config
from torch import nn

from ..checkpoints import Checkpoint
from ..errors import UserError
from .config_models import build_model, load_model


def is_detection_config(config: Config) -> bool:
    """Whether a config describes a detector of mmdet."""
    model_type = str((config.get('model') or {}).get('type', ''))
    scope, _, _ = model_type.rpartition('.')
    return (scope or config.get('default_scope')) == 'mmdet'


def is_detector(model: nn.Module) -> bool:
    """Whether a model is one of mmdet's detectors."""
    # Whoever has built one has imported them; for others that would be seconds of waiting.
    detectors = sys.modules.get('mmdet.models.detectors')
    return detectors is not None and isinstance(model, detectors.BaseDetector)


def build_detector(config: Config) -> nn.Module:
    """The config's ``model`` with its ``data_preprocessor``, with fresh weights.

    No file of weights is read: ``init_cfg`` only takes effect when somebody calls
    ``init_weights``.

    Raises:
        UserError: The registries refuse the config, it describes no detector, or see `check_neck`.
    """
    detector = build_model(config)
    if not is_detector(detector):
        raise UserError(
            f'config {config.filename} describes a {type(detector).__name__}, which is no detector '
            'of mmdet: use a model such as mmdet.RetinaNet'
        )
    check_neck(detector)
    return detector


def load_detector(config: Config, checkpoint: Checkpoint) -> tuple[nn.Module, str]:
    """The config's detector in eval mode with a checkpoint's weights, loaded strictly.

    Returns:
        The detector, on the CPU, and the hash of its weights.

    Raises:
        UserError: The config cannot be built, or the weights do not fit it.
    """
    return load_model(build_detector(config), checkpoint)


def check_neck(detector: nn.Module) -> None:
    """Compare the neck with the feature maps that it is given by a backbone of ours.

    Raises:
        UserError: They do not fit.
    """
    backbone, neck = detector.backbone, getattr(detector, 'neck', None)
    channels = getattr(backbone, 'out_channels', None)
    wanted = getattr(neck, 'in_channels', None)
    if (
        isinstance(channels, tuple)
        and isinstance(wanted, list | tuple)
        and (tuple(wanted) != channels)
    ):
        raise UserError(
            f'model.neck.in_channels={list(wanted)} does not fit the maps of the '
            f'{type(backbone).__name__} with out_indices={backbone.out_indices}: they have '
            f'{list(channels)} channels and the strides {list(backbone.out_strides)}; set '
            f'model.neck.in_channels={list(channels)}, or choose other out_indices'
        )
