"""The shape of the samples whose cost is counted: as it is typed, or as a config makes it.

A picture has the shape (channels, height, width), a video (frames, channels, height, width).
"""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import torch
from mmengine.config import Config
from mmengine.dataset import Compose
from mmengine.registry import DefaultScope

from dynp_plugins.errors import UserError
from dynp_plugins.inference.pipeline_steps import (
    innermost_dataset,
    picture_in_memory,
    takes_videos,
    video_in_memory,
    without_decoding,
    without_loading,
)
from dynp_plugins.networks import MultiExitNetwork
from dynp_plugins.openmmlab.config_files import building_from, require

from .split_batches import build_split

_MADE_UP_SIZES = ((300, 500), (700, 400))
_MADE_UP_LENGTHS = (90, 250)
_FRAMES = slice(-3)
"""The part of a shape that says how many frames; nothing of a picture."""


def parse_input_shape(texts: Sequence[str]) -> tuple[int, ...]:
    """What is typed after ``--shape``.

    Args:
        texts: ``SIDE``, ``HEIGHT WIDTH``, ``3 HEIGHT WIDTH`` or ``FRAMES 3 HEIGHT WIDTH``.

    Returns:
        (channels, height, width), with the frames before it where they are given.

    Raises:
        UserError: Anything else.
    """
    typed = f'--shape {" ".join(texts)}'
    try:
        numbers = [int(text) for text in texts]
    except ValueError:
        numbers = []
    if not 1 <= len(numbers) <= 4 or min(numbers) < 1:
        raise UserError(
            f'{typed}: give SIDE, HEIGHT WIDTH or 3 HEIGHT WIDTH in pixels, for a video also '
            'FRAMES 3 HEIGHT WIDTH, for example --shape 224'
        )
    if len(numbers) > 2 and numbers[-3] != 3:
        frames = 'FRAMES ' if len(numbers) == 4 else ''
        raise UserError(f'{typed}: images have 3 channels, write --shape {frames}3 HEIGHT WIDTH')
    size = (3, numbers[-2] if len(numbers) > 1 else numbers[0], numbers[-1])
    return (numbers[0], *size) if len(numbers) == 4 else size


def name_input_shape(
    network: MultiExitNetwork, typed: tuple[int, ...] | None = None
) -> tuple[int, ...]:
    """The shape at which a network by name is counted.

    Args:
        network: The network. Where it sees several frames together, it is counted on one clip.
        typed: What `parse_input_shape` made, if anything was typed.
    """
    shape = typed or (3, network.backbone.image_size, network.backbone.image_size)
    alone = network.num_segments == 1 or len(shape) == 4
    return shape if alone else (network.num_segments, *shape)


def config_input_shape(config: Config, typed: tuple[int, ...] | None = None) -> tuple[int, ...]:
    """The shape at which a config's test samples reach the network.

    Two made-up samples of different sizes and lengths go through the test pipeline. Where they do
    not come out alike, the pipeline does not set the shape; then the first and the last sample of
    the test split are looked at.

    Args:
        config: The config.
        typed: What `parse_input_shape` made, if anything was typed. It goes before what the
            pipeline makes; where it says no number of frames, videos keep theirs.

    Raises:
        UserError: The config has no test split, or one without a shape of its own that could be
            read.
    """
    if typed is None:
        return _common_part(config, slice(None))
    if len(typed) == 3 and _has_videos(config):
        return (*_common_part(config, _FRAMES), *typed)
    return typed


def _common_part(config: Config, part: slice) -> tuple[int, ...]:
    """The part of their shape in which all test samples agree."""
    require(config, 'test_dataloader')
    for shapes_of in (_made_up_shapes, _test_split_shapes):
        shapes = shapes_of(config)
        parts = {shape[part] for shape in shapes}
        if len(parts) == 1:
            return parts.pop()
    videos, frames = _has_videos(config), part == _FRAMES
    raise UserError(
        f'the test {"videos" if videos else "pictures"} of config {config.filename} reach the '
        f'network in different {"numbers of frames" if frames else "sizes"}, such as '
        f'{sorted(shapes)}: give --shape{" FRAMES 3 HEIGHT WIDTH" if videos else ""}'
    )


def _has_videos(config: Config) -> bool:
    """Whether the test pipeline is one of videos."""
    dataset = innermost_dataset((config.get('test_dataloader') or {}).get('dataset'))
    return dataset is not None and takes_videos(dataset['pipeline'])


def _made_up_shapes(config: Config) -> set[tuple[int, ...]]:
    """The shapes at which made-up samples leave the test pipeline; empty if they cannot."""
    dataset = innermost_dataset(config.test_dataloader.dataset)
    steps = [] if dataset is None else dataset['pipeline']
    videos = takes_videos(steps)
    scope = DefaultScope.overwrite_default_scope(config.get('default_scope'))
    with scope, building_from(config):
        pipeline = Compose((without_decoding if videos else without_loading)(steps))
    made_up = _made_up_videos() if videos else _made_up_pictures()
    try:
        shapes = {_shape(pipeline(sample)) for sample in made_up}
    except (KeyError, TypeError, ValueError, AttributeError, AssertionError):
        return set()  # it needs what only the dataset's own samples have
    return set() if None in shapes else shapes


def _made_up_pictures() -> list[dict[str, Any]]:
    """Black pictures of different sizes."""
    return [
        {**picture_in_memory(np.zeros((*size, 3), np.uint8)), 'gt_label': 0, 'sample_idx': 0}
        for size in _MADE_UP_SIZES
    ]


def _made_up_videos() -> list[dict[str, Any]]:
    """Black videos of different sizes and lengths; all frames of one share their memory."""
    return [
        {**video_in_memory(np.broadcast_to(np.uint8(0), (length, *size, 3))), 'label': 0}
        for length, size in zip(_MADE_UP_LENGTHS, _MADE_UP_SIZES, strict=True)
    ]


def _test_split_shapes(config: Config) -> set[tuple[int, ...]]:
    """The shapes of the first and the last sample of the test split."""
    scope = DefaultScope.overwrite_default_scope(config.get('default_scope'))
    try:
        with scope, building_from(config):
            dataset = build_split(config, 'test').dataset
            return {_shape(dataset[index]) for index in (0, len(dataset) - 1)} - {None}
    except UserError as error:
        samples = 'videos' if _has_videos(config) else 'pictures'
        raise UserError(
            f'the test pipeline of config {config.filename} sets no size, and its test {samples} '
            f'cannot be read: give --shape ({error})'
        ) from error


def _shape(sample: Any) -> tuple[int, ...] | None:
    """(channels, height, width) of what a pipeline makes, or (frames, channels, height, width)."""
    inputs = sample.get('inputs') if isinstance(sample, Mapping) else None
    fits = isinstance(inputs, torch.Tensor) and inputs.ndim in (3, 4)
    return tuple(inputs.shape) if fits else None
