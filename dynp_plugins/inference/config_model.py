"""A trained network by its OpenMMLab config, with the config's own test pipeline.

This file and its neighbours ``config_pictures.py`` and ``config_videos.py`` are those of this
package that import OpenMMLab; they are imported when a config is given.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import torch
from mmengine.config import Config
from mmengine.registry import DATASETS, DefaultScope
from torch import Tensor, nn

from ..checkpoints import read_checkpoint
from ..errors import UserError
from ..openmmlab.checkpoint_files import find_checkpoint
from ..openmmlab.class_names import check_same_classes
from ..openmmlab.classifiers import (
    classification_head,
    is_video_model,
    load_classifier,
    multi_exit_network,
)
from ..openmmlab.config_files import load_config, require
from ..openmmlab.datasets.labelled_files import class_metainfo
from .config_pictures import PicturePipeline
from .config_videos import VideoPipeline
from .loaded_model import LoadedModel, as_names
from .pipeline_steps import innermost_dataset, takes_videos


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
        UserError: The config cannot be built, the weights do not fit it, or the checkpoint and the
            data set name different classes.
    """
    config = load_config(config_path, dict(cfg_options or {}))
    require(config, 'model', 'test_dataloader')
    checkpoint = read_checkpoint(find_checkpoint(checkpoint_path))
    classifier, weights_sha256 = load_classifier(config, checkpoint)
    classifier.to(device)
    dataset = _dataset(config)
    if classes is None:
        noted, declared = checkpoint.classes, _declared_classes(config, dataset)
        check_same_classes({'the checkpoint': noted, f'the data of {config_path}': declared})
        classes = noted or declared
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
    )


def _dataset(config: Config) -> Mapping[str, Any]:
    """The innermost data set of the test split that has a pipeline."""
    dataset = innermost_dataset(config.test_dataloader.get('dataset'))
    if dataset is None:
        raise UserError(
            f'the test data set of config {config.filename} has no pipeline, which would say how '
            'pictures or videos are made ready: add one'
        )
    return dataset


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
    return (
        VideoPipeline(config, dataset) if videos else PicturePipeline(config, dataset, classifier)
    )


def _declared_classes(config: Config, dataset: Mapping[str, Any]) -> Sequence[str] | None:
    """Class names as the data set's settings or its type say them; no samples are read."""
    declared = (dataset.get('metainfo') or {}).get('classes') or dataset.get('classes')
    if declared is None:
        kind = dataset['type']
        if isinstance(kind, str):
            with DefaultScope.overwrite_default_scope(config.get('default_scope')):
                kind = DATASETS.get(kind)
        declared = (getattr(kind, 'METAINFO', None) or {}).get('classes')
    if isinstance(declared, str):  # a file of names, beside data that may not be there
        path = Path(dataset.get('data_root') or '', declared)
        return class_metainfo(str(path), '', None)['classes'] if path.is_file() else None
    return declared
