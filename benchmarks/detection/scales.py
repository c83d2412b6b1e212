"""Test-time input scales: which ones a detector is measured at, and its config at each of them."""

import copy
from collections.abc import Iterator, Sequence

from mmengine.config import Config

from dynp_plugins.dataset_wrappers import entries_in
from dynp_plugins.errors import UserError
from dynp_plugins.inference.input_scale import (
    STRIDE,
    Scale,
    at_scale,
    check_scale,
    check_stride,
    parse_scale,
    scale_of,
)

SPLITS = ('calibration', 'test')


def own_scale(config: Config) -> Scale | None:
    """The (longer, shorter) side that the config's calibration and test pipelines resize to.

    Returns:
        None where they resize otherwise, by a factor or not at all.

    Raises:
        UserError: They resize to different scales.
    """
    found = {scale_of(pipeline): split for split in SPLITS for pipeline in pipelines(config, split)}
    if len(found) > 1:
        said = ' and '.join(
            f'{split} images to {scale_name(scale) if scale else "no one scale"}'
            for scale, split in found.items()
        )
        raise UserError(f'config {config.filename} resizes {said}: resize all of them alike')
    return next(iter(found), None)


def with_scale(config: Config, scale: Scale) -> Config:
    """A copy of the config whose calibration and test images are resized to another scale.

    Args:
        config: Its calibration and test pipelines have a ``Resize`` step each.
        scale: (longer side, shorter side) in pixels that a resized image fits into.

    Raises:
        UserError: A pipeline has no such step, or one that does not keep the aspect ratio.
    """
    if own_scale(config) == scale:
        return config
    config = copy.deepcopy(config)
    for split in SPLITS:
        for pipeline in pipelines(config, split):
            try:
                pipeline[:] = at_scale(pipeline, scale)
            except UserError as error:
                raise UserError(f'{split} split of config {config.filename}: {error}') from error
    return config


def chosen_scales(config: Config, words: Sequence[str] = (), stride: int = STRIDE) -> list[Scale]:
    """The scales to measure a detector at.

    Args:
        config: Without words, its ``test_scales = [(longer, shorter), ...]`` are taken, or without
            those its own scale alone.
        words: Of the command line: shorter sides, such as ``320``, with the ratio of the config's
            own scale, or both sides, such as ``1333x800``.
        stride: Of the deepest feature map, see `largest_stride`.

    Raises:
        UserError: A scale is none, is given twice, or is smaller than the stride; or the config's
            own scale is asked for and it has none.
    """
    own = own_scale(config)
    if words:
        scales = [parse_scale(word, own) for word in words]
    elif config.get('test_scales'):
        scales = [check_scale(scale) for scale in config.test_scales]
    elif own is not None:
        scales = [own]
    else:
        raise UserError(
            f'the test pipeline of config {config.filename} has no one Resize(scale=(longer, '
            'shorter), keep_ratio=True), which would say at which scale it is tested: add one, or '
            'give --scales LONGxSHORT ..., or test_scales = [(longer, shorter), ...] in the config'
        )
    twice = next((scale for scale in scales if scales.count(scale) > 1), None)
    if twice:
        raise UserError(f'the scale {twice[0]}x{twice[1]} is given twice: leave one out')
    for scale in scales:
        check_stride(scale, stride)
    return scales


def scale_name(scale: Sequence[int]) -> str:
    """As in file names, such as ``1333x800``."""
    return 'x'.join(map(str, scale))


def pipelines(config: Config, split: str) -> Iterator[list]:
    """Every pipeline of a split's data set and of what it wraps or joins."""
    loader = config.get(f'{split}_dataloader') or {}
    for dataset in entries_in(loader.get('dataset')):
        if dataset.get('pipeline'):
            yield dataset['pipeline']
