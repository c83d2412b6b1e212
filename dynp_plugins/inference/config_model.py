"""A trained network by its OpenMMLab config, with the config's own test pipeline.

The one file of this package that imports OpenMMLab; it is imported when a config is given.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from mmengine.config import Config
from mmengine.dataset import Compose
from mmengine.registry import DATASETS, DefaultScope
from torch import Tensor, nn

from ..checkpoints import read_checkpoint
from ..errors import UserError
from ..openmmlab.checkpoint_files import find_checkpoint
from ..openmmlab.class_names import check_same_classes
from ..openmmlab.classifiers import load_classifier, multi_exit_network
from ..openmmlab.config_files import building_from, load_config, require
from .image_inputs import Picture
from .image_reading import check_file_depth, read_rgb
from .loaded_model import LoadedModel, as_names


def load_config_model(
    config_path: str | Path,
    checkpoint_path: str | Path,
    device: torch.device,
    classes: Sequence[str] | None = None,
    cfg_options: Mapping[str, Any] | None = None,
) -> LoadedModel:
    """Build a config's classifier, load its weights, and read pictures as its test pipeline does.

    Args:
        config_path: A config with a multi-exit classifier and a ``test_dataloader``, whose data
            need not be there.
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
    return LoadedModel(
        name=Path(config_path).stem,
        network=multi_exit_network(classifier),
        prepare=ConfigPipeline(config, dataset, classifier),
        to_network=lambda images: classifier.data_preprocessor({'inputs': images})['inputs'],
        classes=as_names(classes),
        num_classes=getattr(classifier.head, 'num_classes', None),
        weights_sha256=weights_sha256,
    )


class ConfigPipeline:
    """Reads a picture and runs the test pipeline on it.

    A file is loaded by the pipeline's own loading step. Arrays and Pillow images skip it. Where the
    pipeline has none, because its data set holds its pictures in memory, files are read with
    Pillow; such data sets keep them in RGB order unless the config's data preprocessor turns the
    order round, and in one channel where the network takes one.

    Args:
        config: The config.
        dataset: Its test data set.
        classifier: Its classifier.
    """

    def __init__(self, config: Config, dataset: Mapping[str, Any], classifier: nn.Module):
        steps = list(dataset['pipeline'])
        scope = DefaultScope.overwrite_default_scope(config.get('default_scope'))
        with scope, building_from(config):
            self._whole = Compose(steps)
            self._after_loading = Compose([step for step in steps if not _loads(step)])
        loading = [step for step in steps if _loads(step)]
        self._loads = bool(loading)
        self._to_float = any(step.get('to_float32') for step in loading)
        self._bgr = self._loads or bool(getattr(classifier.data_preprocessor, 'to_rgb', False))
        self._grey = getattr(classifier.backbone, 'channels', 3) == 1

    def __call__(self, picture: Picture) -> Tensor:
        """The picture as the data preprocessor takes it, (channels, height, width).

        Raises:
            UserError: The pipeline makes no single picture of it.
            Exception: Whatever a decoder or a transform raises.
        """
        if isinstance(picture, str) and self._loads:
            sample = self._load_and_transform(picture)
        else:
            pixels = self._pixels(picture)
            size = pixels.shape[:2]
            sample = self._after_loading({'img': pixels, 'img_shape': size, 'ori_shape': size})
        inputs = sample.get('inputs') if isinstance(sample, Mapping) else None
        if not isinstance(inputs, Tensor) or inputs.ndim != 3:
            raise UserError('the test pipeline makes no single picture (channels, height, width)')
        return inputs

    def _load_and_transform(self, path: str) -> Any:
        check_file_depth(path)
        try:
            return self._whole({'img_path': path})
        except Exception:
            read_rgb(path)  # says more of what is wrong with a file than most loading steps
            raise

    def _pixels(self, picture: Picture) -> np.ndarray:
        """(H, W, 3), or (H, W) of a grey one, as the pipeline's pictures are before its steps."""
        image = read_rgb(picture)
        pixels = np.array(image.convert('L') if self._grey else image)
        if self._bgr and not self._grey:
            pixels = pixels[..., ::-1].copy()
        return pixels.astype(np.float32) if self._to_float else pixels


def _dataset(config: Config) -> Mapping[str, Any]:
    """The innermost data set of the test split that has a pipeline."""
    dataset = config.test_dataloader.get('dataset')
    while dataset and 'pipeline' not in dataset and 'dataset' in dataset:
        dataset = dataset['dataset']
    if not dataset or dataset.get('pipeline') is None:
        raise UserError(
            f'the test data set of config {config.filename} has no pipeline, which would say how '
            'pictures are made ready: add one'
        )
    return dataset


def _declared_classes(config: Config, dataset: Mapping[str, Any]) -> Sequence[str] | None:
    """Class names as the data set's settings or its type say them; no data are read."""
    declared = (dataset.get('metainfo') or {}).get('classes')
    if declared is None:
        kind = dataset['type']
        if isinstance(kind, str):
            with DefaultScope.overwrite_default_scope(config.get('default_scope')):
                kind = DATASETS.get(kind)
        declared = (getattr(kind, 'METAINFO', None) or {}).get('classes')
    return None if declared is None or isinstance(declared, str) else declared


def _loads(step: Mapping[str, Any]) -> bool:
    """Whether a transform reads the picture from a file."""
    kind = step['type']
    return getattr(kind, '__name__', str(kind)).rpartition('.')[2].startswith('Load')
