"""A trained network by its OpenMMLab config, with the config's own test pipeline.

This file and its neighbours whose names begin with ``config_`` are those of this package that
import OpenMMLab; they are imported when a config is given.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import torch
from mmengine.config import Config
from torch import Tensor, nn

from ..checkpoints import read_checkpoint
from ..errors import UserError
from ..openmmlab.checkpoint_files import find_checkpoint
from ..openmmlab.classifiers import (
    classification_head,
    is_video_model,
    load_classifier,
    multi_exit_network,
)
from ..openmmlab.config_files import load_config, require
from ..openmmlab.detectors import is_detection_config
from .config_dataset import class_names, test_dataset
from .config_pictures import PicturePipeline
from .config_videos import VideoPipeline
from .loaded_model import LoadedModel, as_names
from .pipeline_steps import takes_videos


def load_config_model(
    config_path: str | Path,
    checkpoint_path: str | Path,
    device: torch.device,
    classes: Sequence[str] | None = None,
    cfg_options: Mapping[str, Any] | None = None,
) -> LoadedModel:
    """Build a config's classifier, load its weights, and read samples as its test pipeline does.

    Args:
        config_path: A config with a classifier of pictures or videos and a ``test_dataloader``,
            whose data need not be there.
        checkpoint_path: A file of weights, or a run's work folder.
        device: Where the network is to run.
        classes: Names of the classes; by default those noted in the checkpoint or, if there are
            none, those of the config's test data set.
        cfg_options: Dotted keys to values that override entries of the config.

    Raises:
        UserError: The config cannot be built or describes a detector, the weights do not fit it,
            or the checkpoint and the data set name different classes.
    """
    config = load_config(config_path, dict(cfg_options or {}))
    require(config, 'model', 'test_dataloader')
    if is_detection_config(config):
        raise UserError(
            f'config {config_path} describes a detector ({config.model.get("type")}), which has no '
            'exits: use dynp_plugins.DetectionInferencer'
        )
    checkpoint = read_checkpoint(find_checkpoint(checkpoint_path))
    classifier, weights_sha256 = load_classifier(config, checkpoint)
    classifier.to(device)
    dataset = test_dataset(config)
    if classes is None:
        classes = class_names(config, dataset, checkpoint)
    prepare = _pipeline(config, dataset, classifier)

    def to_network(samples: Tensor) -> Tensor:
        # mmaction2's preprocessor insists on a list, and on being told that there are no labels.
        batch = {'inputs': list(samples), 'data_samples': None}
        return classifier.data_preprocessor(batch)['inputs']

    return LoadedModel(
        name=Path(config_path).stem,
        kind=prepare.kind,
        network=multi_exit_network(classifier),
        prepare=prepare,
        to_network=to_network,
        classes=as_names(classes),
        num_classes=getattr(classification_head(classifier), 'num_classes', None),
        weights_sha256=weights_sha256,
        preprocessing=prepare.describe,
    )


def _pipeline(
    config: Config, dataset: Mapping[str, Any], classifier: nn.Module
) -> PicturePipeline | VideoPipeline:
    """The test pipeline; it must be one of what the classifier takes."""
    videos = is_video_model(classifier)
    if takes_videos(dataset['pipeline']) != videos:
        kind = type(classifier).__name__
        raise UserError(
            f'config {config.filename} has {"a video" if videos else "an image"} classifier '
            f'({kind}), but its test pipeline decodes {"no " if videos else ""}videos: give it '
            f'{"steps such as OpenVideo, DecodeVideo" if videos else "one of pictures"}'
        )
    pipeline = VideoPipeline if videos else PicturePipeline
    return pipeline(config, dataset, classifier)
