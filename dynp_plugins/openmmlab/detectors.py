"""Building the detector that a config describes, and what there is to know of it."""

import sys

from mmengine.config import Config
from torch import nn

from ..checkpoints import Checkpoint
from ..config_types import type_scopes
from ..errors import UserError
from .config_models import build_model, load_model
from .detector_fit import check_neck_fits, check_strides_fit


def is_detection_config(config: Config) -> bool:
    """Whether a config describes a detector of mmdet."""
    scopes = type_scopes((config.get('model') or {}).get('type'))
    return 'mmdet' in (scopes or {config.get('default_scope')})


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
        UserError: The registries refuse the config, it describes no detector, or see
            `check_neck_fits` and `check_strides_fit`.
    """
    if is_detection_config(config):
        check_neck_fits(config)
    detector = build_model(config)
    if not is_detector(detector):
        raise UserError(
            f'config {config.filename} describes {type(detector).__name__}, which is no detector '
            'of mmdet: use a model such as mmdet.RetinaNet'
        )
    check_strides_fit(detector, config)
    return detector


def load_detector(config: Config, checkpoint: Checkpoint) -> tuple[nn.Module, str]:
    """The config's detector in eval mode with a checkpoint's weights, loaded strictly.

    Returns:
        The detector, on the CPU, and the hash of its weights.

    Raises:
        UserError: The config cannot be built, or the weights do not fit it.
    """
    return load_model(build_detector(config), checkpoint)


def box_heads(detector: nn.Module) -> dict[str, nn.Module]:
    """The heads of a detector that tell its classes apart, by their entry in the config."""
    if hasattr(detector, 'bbox_head'):
        return {'model.bbox_head': detector.bbox_head}
    heads = getattr(getattr(detector, 'roi_head', None), 'bbox_head', None)
    if isinstance(heads, nn.ModuleList):  # a cascade
        return {f'model.roi_head.bbox_head[{i}]': head for i, head in enumerate(heads)}
    return {} if heads is None else {'model.roi_head.bbox_head': heads}
