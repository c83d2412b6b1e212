"""The sizes at which a config's images reach its detector: resized by the test pipeline, padded.

A size is (height, width) in pixels.
"""

import copy
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
from mmengine.config import Config
from mmengine.dataset import Compose, pseudo_collate
from mmengine.registry import DATASETS, DefaultScope
from PIL import Image, UnidentifiedImageError
from torch import nn
from torch.utils.data import Dataset

from dynp_plugins.dataset_wrappers import reading_entries
from dynp_plugins.errors import UserError
from dynp_plugins.inference.pipeline_steps import (
    innermost_dataset,
    picture_in_memory,
    step_name,
    without_loading,
)
from dynp_plugins.openmmlab.config_files import building_from, require

Size = tuple[int, int]

_MADE_UP_SIZES = ((300, 500), (700, 400))


def split_dataset(config: Config, split: str) -> Dataset:
    """The images of a split as the test pipeline makes them, those of the training split too.

    Args:
        config: Of a detector.
        split: ``train``, ``calibration``, ``val`` or ``test``.

    Raises:
        UserError: The config has no such split, or no test split, or it cannot be built.
    """
    require(config, 'test_dataloader')
    if config.get(f'{split}_dataloader') is None:
        raise UserError(f'config {config.filename} has no {split}_dataloader: choose another split')
    dataset = copy.deepcopy(config[f'{split}_dataloader']['dataset'])
    while step_name(dataset) == 'MultiImageMixDataset':  # augments; its images are those inside
        dataset = dataset['dataset']
    for entry in reading_entries(dataset):
        entry['pipeline'] = copy.deepcopy(_test_steps(config))
    scope = DefaultScope.overwrite_default_scope(config.get('default_scope'))
    with scope, building_from(config):
        built = DATASETS.build(dataset)
    if not len(built):
        raise UserError(f'the {split} split of config {config.filename} is empty')
    return built


def network_sizes(config: Config, preprocessor: nn.Module, dataset: Dataset) -> list[Size]:
    """The size at which each image of a dataset reaches the network, one by one.

    Args:
        config: Whose test pipeline resizes.
        preprocessor: The detector's data preprocessor, which pads.
        dataset: Its entries say how large the images are; if not, the files' headers do.
    """
    prepared_size = _prepared_size(config, preprocessor)
    sizes: dict[Size, Size] = {}
    found = []
    for index in range(len(dataset)):
        stored = _stored_size(dataset.get_data_info(index))
        if stored not in sizes:
            sizes[stored] = prepared_size(stored)
        found.append(sizes[stored])
    return found


def usual_size(config: Config, preprocessor: nn.Module) -> Size:
    """The size at which all test images reach the network.

    Raises:
        UserError: They have several.
    """
    prepared_size = _prepared_size(config, preprocessor)
    sizes = {prepared_size(size) for size in _MADE_UP_SIZES}
    if len(sizes) == 1:
        return sizes.pop()  # of any image
    either = 'give --shape HEIGHT WIDTH for one size, or --split test for the mean over all images'
    try:
        sizes = set(network_sizes(config, preprocessor, split_dataset(config, 'test')))
    except UserError as error:
        raise UserError(
            f'the size of the test images of config {config.filename} depends on their aspect '
            f'ratio, and the test split cannot be read: {either} ({error})'
        ) from error
    if len(sizes) > 1:
        raise UserError(
            f'the test images of config {config.filename} reach the network in {len(sizes)} sizes, '
            f'such as {" and ".join(f"{h} x {w}" for h, w in sorted(sizes)[:2])} (height x '
            f'width): {either}'
        )
    return sizes.pop()


def _test_steps(config: Config) -> list[Any]:
    dataset = innermost_dataset(config.test_dataloader.dataset)
    if dataset is None:
        raise UserError(f'the test dataset of config {config.filename} has no pipeline')
    return dataset['pipeline']


def _prepared_size(config: Config, preprocessor: nn.Module) -> Callable[[Size], Size]:
    """What becomes of an image's size: a black one goes through the pipeline and is padded."""
    scope = DefaultScope.overwrite_default_scope(config.get('default_scope'))
    with scope, building_from(config):
        pipeline = Compose(without_loading(_test_steps(config)))

    def prepared_size(size: Size) -> Size:
        packed = pipeline({**picture_in_memory(np.zeros((*size, 3), np.uint8)), 'img_id': 0})
        height, width = preprocessor(pseudo_collate([packed]))['inputs'].shape[-2:]
        return height, width

    return prepared_size


def _stored_size(info: Mapping[str, Any]) -> Size:
    if info.get('height') and info.get('width'):
        return int(info['height']), int(info['width'])
    try:
        with Image.open(info['img_path']) as image:
            return image.height, image.width
    except (OSError, UnidentifiedImageError) as error:
        raise UserError(f'cannot read the size of picture {info["img_path"]}: {error}') from error
