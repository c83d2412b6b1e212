"""Whether the parts of a detector fit each other: backbone, neck, and the heads' strides."""

import copy
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import torch
from mmengine.config import Config
from torch import nn

from ..errors import UserError
from ..networks import ExitBackbone

_DEEPEST_FIRST = ('YOLOV3Neck',)
"""Necks whose ``in_channels`` begin with the last map."""

_TRIAL_STRIDES = 16
"""Side of the trial image, in largest strides of the backbone's maps."""


def check_parts_fit(detector: nn.Module, config: Config) -> None:
    """Compare a detector's neck and heads with the feature maps of a backbone of ours.

    Args:
        detector: Any; with other backbones nothing is checked.
        config: What it was built from.

    Raises:
        UserError: The neck was built for other maps, or the heads for other strides.
    """
    backbone = getattr(detector, 'backbone', None)
    if not isinstance(backbone, ExitBackbone):
        return
    if getattr(backbone, 'out_indices', None) is None:
        raise UserError(
            f'model.backbone is a {type(backbone).__name__} of exits, but a detector needs feature '
            "maps: use dict(type='DynPerceiver', out_indices=(0, 1, 2, 3))"
        )
    neck = config.model.get('neck')
    first_neck = neck[0] if isinstance(neck, Sequence) and neck else neck
    if first_neck:
        _check_channels(backbone, first_neck)
    _check_strides(detector)


def _check_channels(backbone: nn.Module, neck: Mapping[str, Any]) -> None:
    """Compare ``in_channels`` with the widths of the maps; a single number is the last one's."""
    wanted, channels = neck.get('in_channels'), list(backbone.out_channels)
    if wanted is None:
        return
    if isinstance(wanted, int):
        fitting = channels[-1]
    elif neck['type'].rpartition('.')[2] in _DEEPEST_FIRST:
        fitting = channels[::-1]
    else:
        fitting = channels
    if (wanted if isinstance(wanted, int) else list(wanted)) != fitting:
        raise UserError(
            f'model.neck.in_channels={wanted!r} does not fit the maps of the backbone: '
            f'{_described(backbone)}; set model.neck.in_channels={fitting}, or choose other '
            'out_indices'
        )


def _described(backbone: nn.Module) -> str:
    return (
        f'with out_indices={backbone.out_indices}, {backbone.arch} gives maps of '
        f'{list(backbone.out_channels)} channels and strides {list(backbone.out_strides)}'
    )


def _check_strides(detector: nn.Module) -> None:
    """Compare the strides that the heads were told with those of the maps they are given."""
    strides = _strides_of_maps(detector)
    for entry, wanted, part_is_enough in _strides_of_heads(detector):
        given = strides[: len(wanted)] if part_is_enough else strides
        if strides and wanted != given:
            raise UserError(
                f'{entry}={wanted} does not fit the maps that the head is given, which have the '
                f'strides {strides}: {_described(detector.backbone)}; set {entry}={given}, or '
                'choose other out_indices'
            )


def _strides_of_maps(detector: nn.Module) -> list[int]:
    """Of what the heads are given; empty where a trial without data does not tell."""
    backbone = detector.backbone
    neck = getattr(detector, 'neck', None)
    if neck is None:
        return list(backbone.out_strides)
    size = _TRIAL_STRIDES * max(backbone.out_strides)
    try:
        with torch.no_grad():
            maps = copy.deepcopy(neck).to('meta')(
                tuple(
                    torch.empty(2, channels, size // stride, size // stride, device='meta')
                    for channels, stride in zip(
                        backbone.out_channels, backbone.out_strides, strict=True
                    )
                )
            )
        return [size // feature_map.shape[-1] for feature_map in maps]
    except Exception:  # a neck that cannot run without data says nothing about its strides
        return []


def _strides_of_heads(detector: nn.Module) -> Iterator[tuple[str, list[int], bool]]:
    """The config entry, its strides, and whether a head may leave out the last maps."""
    for name in ('bbox_head', 'rpn_head'):
        generator = getattr(getattr(detector, name, None), 'prior_generator', None)
        # Those of SSD depend on the size of the images.
        if generator is not None and type(generator).__name__ != 'SSDAnchorGenerator':
            anchors = hasattr(generator, 'base_anchors')
            entry = f'model.{name}.{"anchor_generator.strides" if anchors else "strides"}'
            yield entry, [max(stride) for stride in generator.strides], False
    extractor = getattr(getattr(detector, 'roi_head', None), 'bbox_roi_extractor', None)
    first = extractor[0] if isinstance(extractor, nn.ModuleList) else extractor
    if hasattr(first, 'featmap_strides'):
        entry = 'model.roi_head.bbox_roi_extractor.featmap_strides'
        yield entry, list(first.featmap_strides), True
