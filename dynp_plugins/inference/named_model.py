"""A trained network by name, in plain torch, with the usual ImageNet preprocessing."""

import logging
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import torch
from PIL import Image
from torch import Tensor

from ..checkpoints import load_weights, read_checkpoint
from ..checkpoints.hashing import weights_sha256
from ..checkpoints.loading import to_classifier_keys, to_network_keys
from ..checkpoints.recognition import likely_settings
from ..errors import UserError
from ..model_zoo import create_model
from ..networks import MultiExitNetwork, StaticBackbone
from .image_inputs import PICTURES
from .image_reading import read_rgb
from .loaded_model import LoadedModel, as_names
from .preprocessing import PlainPreprocessing
from .preprocessing.geometry import CropCentre, Interpolation, OperationRecord, ResizeEdge
from .preprocessing.records import Normalisation, PictureReading, Preprocessing

Preprocess = Callable[[Image.Image], Tensor]
"""An RGB picture to what the network takes, (channels, height, width) of floating point."""

_logger = logging.getLogger(__name__)
_MEAN, _STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)


def load_named_model(
    name: str,
    checkpoint: str | Path,
    device: torch.device,
    classes: Sequence[str] | None = None,
    preprocess: Preprocess | None = None,
    settings: Mapping[str, Any] | None = None,
) -> LoadedModel:
    """Build a network by name, load its weights, and preprocess as is usual for ImageNet.

    Args:
        name: As `create_model` takes it.
        checkpoint: A file of weights, or a run's work folder.
        device: Where the network is to run.
        classes: Names of the classes; by default those that the checkpoint notes.
        preprocess: Replaces `imagenet_preprocessing`.
        settings: Settings other than the named ones. ``num_classes`` is read from the weights, or
            follows from ``classes``, where it is not given.

    Raises:
        UserError: See `create_model`; or there are more or fewer class names than classes, or the
            network sees the frames of videos.
    """
    weights = read_checkpoint(_checkpoint_file(checkpoint))
    classes = as_names(weights.classes if classes is None else classes)
    settings = dict(settings or {})
    if 'num_classes' not in settings:
        recognised = likely_settings(to_network_keys(weights.state_dict))
        if recognised:
            settings['num_classes'] = recognised['num_classes']
        elif classes is not None:
            settings['num_classes'] = len(classes)
    network = create_model(name, **settings)
    if network.num_segments > 1:
        raise UserError(
            f'num_segments={network.num_segments}: {name} by name answers pictures; a network for '
            'videos needs a config, whose test pipeline says how frames are picked'
        )
    load_weights(network, weights.state_dict, source=str(weights.path))
    network = network.eval().to(device)
    if preprocess is None and 'cfg' in weights.meta:
        _logger.warning(
            '%s was trained with a config, but a name was given: pictures are made ready as is '
            'usual for ImageNet; if the config does it otherwise, give the config',
            weights.path,
        )
    record = imagenet_preprocessing(network.backbone.image_size)
    plain = PlainPreprocessing(record, device)
    return LoadedModel(
        name=name,
        kind=PICTURES,
        network=network,
        prepare=plain if preprocess is None else lambda picture: preprocess(read_rgb(picture)),
        to_network=plain.to_network if preprocess is None else lambda images: images.to(device),
        classes=classes,
        num_classes=_num_classes(network, settings),
        weights_sha256=weights_sha256(to_classifier_keys(weights.state_dict)),
        preprocessing=_refuse_to_describe if preprocess else lambda: record,
    )


def imagenet_preprocessing(image_size: int) -> Preprocessing:
    """Short side to 256 / 224 of the image size, bicubic; centre crop; ImageNet mean and deviation.

    Args:
        image_size: Side of the square that is cut out, in pixels.
    """
    bicubic = Interpolation('pillow', 'bicubic')
    operations = [
        ResizeEdge(round(image_size * 256 / 224), interpolation=bicubic),
        CropCentre(image_size, image_size),
    ]
    return Preprocessing(
        PictureReading(),
        None,
        [OperationRecord.of(operation) for operation in operations],
        Normalisation(divisor=255.0, mean=list(_MEAN), std=list(_STD)),
    )


def _refuse_to_describe() -> Preprocessing:
    raise UserError(
        'preprocess is a function, which cannot be written down: export with '
        '--no-preprocessing, and give it to DynamicInferencer(DIR, preprocess=...)'
    )


def _checkpoint_file(path: str | Path) -> str | Path:
    if Path(path).is_dir():  # of a run, which OpenMMLab has made
        from ..openmmlab.checkpoint_files import find_checkpoint

        return find_checkpoint(path)
    return path


def _num_classes(network: MultiExitNetwork, settings: Mapping[str, Any]) -> int | None:
    if isinstance(network.backbone, StaticBackbone):
        return network.backbone.exit_channels[0]
    return settings.get('num_classes')
