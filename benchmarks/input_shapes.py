"""The size of the images whose cost is counted: as it is typed, or as a config makes it."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import torch
from mmengine.config import Config
from mmengine.dataset import Compose
from mmengine.registry import DefaultScope

from dynp_plugins.errors import UserError
from dynp_plugins.openmmlab.config_files import building_from, require

from .exit_pass import build_split

_MADE_UP_SIZES = ((300, 500), (700, 400))


def parse_input_shape(texts: Sequence[str]) -> tuple[int, int, int]:
    """``SIDE``, ``HEIGHT WIDTH`` or ``3 HEIGHT WIDTH`` as (channels, height, width).

    Raises:
        UserError: Anything else.
    """
    typed = f'--shape {" ".join(texts)}'
    try:
        numbers = [int(text) for text in texts]
    except ValueError:
        numbers = []
    if not 1 <= len(numbers) <= 3 or min(numbers) < 1:
        raise UserError(
            f'{typed}: give SIDE, HEIGHT WIDTH or 3 HEIGHT WIDTH in pixels, for example --shape 224'
        )
    if len(numbers) == 3 and numbers[0] != 3:
        raise UserError(f'{typed}: images have 3 channels, write --shape 3 HEIGHT WIDTH')
    return (3, numbers[-2] if len(numbers) > 1 else numbers[0], numbers[-1])


def config_input_shape(config: Config) -> tuple[int, ...]:
    """The size at which a config's test pictures reach the network, (channels, height, width).

    Two made-up pictures of different sizes go through the test pipeline. Where they do not come
    out alike, the pipeline does not set the size; then the first and the last picture of the test
    split are looked at.

    Raises:
        UserError: The config has no test split, or one without a size of its own that could be
            read.
    """
    require(config, 'test_dataloader')
    shapes = _made_up_shapes(config) or _test_split_shapes(config)
    if len(shapes) != 1:
        raise UserError(
            f'the test pictures of config {config.filename} reach the network in different sizes, '
            f'such as {sorted(shapes)}: give --shape'
        )
    return shapes.pop()


def _made_up_shapes(config: Config) -> set[tuple[int, ...]]:
    """The one size at which made-up pictures leave the test pipeline; empty if there is not one."""
    dataset = config.test_dataloader.dataset
    while 'pipeline' not in dataset and 'dataset' in dataset:
        dataset = dataset['dataset']
    steps = [step for step in dataset.get('pipeline', ()) if not _loads(step)]
    scope = DefaultScope.overwrite_default_scope(config.get('default_scope'))
    with scope, building_from(config):
        pipeline = Compose(steps)
    try:
        shapes = {_shape(pipeline(_made_up_sample(*size))) for size in _MADE_UP_SIZES}
    except (KeyError, TypeError, ValueError, AttributeError, AssertionError):
        return set()  # it needs what only the dataset's own samples have
    return shapes if len(shapes) == 1 and None not in shapes else set()


def _loads(step: Mapping[str, Any]) -> bool:
    """Whether a transform reads the picture from a file."""
    return step['type'].rpartition('.')[2].startswith('Load')


def _made_up_sample(height: int, width: int) -> dict[str, Any]:
    return {
        'img': np.zeros((height, width, 3), np.uint8),
        'img_shape': (height, width),
        'ori_shape': (height, width),
        'gt_label': 0,
        'sample_idx': 0,
    }


def _test_split_shapes(config: Config) -> set[tuple[int, ...]]:
    """The sizes of the first and the last picture of the test split."""
    scope = DefaultScope.overwrite_default_scope(config.get('default_scope'))
    try:
        with scope, building_from(config):
            dataset = build_split(config, 'test').dataset
            return {_shape(dataset[index]) for index in (0, len(dataset) - 1)} - {None}
    except UserError as error:
        raise UserError(
            f'the test pipeline of config {config.filename} sets no size, and its test pictures '
            f'cannot be read: give --shape ({error})'
        ) from error


def _shape(sample: Any) -> tuple[int, ...] | None:
    """(channels, height, width) of what a pipeline makes, None if it is not one image."""
    image = sample.get('inputs') if isinstance(sample, Mapping) else None
    return tuple(image.shape) if isinstance(image, torch.Tensor) and image.ndim == 3 else None
