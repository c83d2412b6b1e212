"""Whether the parts of a detector fit each other: backbone, neck, and the heads' strides."""

import copy
import inspect
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import torch
from mmengine.config import Config
from mmengine.registry import MODELS, DefaultScope
from torch import nn

from ..config_types import type_name
from ..errors import UserError
from ..networks import ExitBackbone
from .config_files import building_from

_DEEPEST_FIRST = ('YOLOV3Neck',)
"""Necks whose ``in_channels`` begin with the last map."""

_TRIAL_STRIDES = 256
"""Side of the trial image, in largest strides of the backbone's maps: deep pyramids have room."""


def check_neck_fits(config: Config) -> None:
    """Compare a detector's neck with the feature maps of a backbone of ours, before it is built.

    mmdet's necks do not say what they miss.

    Args:
        config: Of a detector; with other backbones nothing is checked.

    Raises:
        UserError: The backbone gives no maps, or the neck takes others.
    """
    entry = config.model.get('backbone')
    if not isinstance(entry, Mapping):
        return
    with DefaultScope.overwrite_default_scope(config.get('default_scope')), building_from(config):
        kind = entry.get('type')
        kind = MODELS.get(kind) if isinstance(kind, str) else kind
        if not (inspect.isclass(kind) and issubclass(kind, ExitBackbone)):
            return
        if entry.get('out_indices') is None:
            raise UserError(
                f'model.backbone is a {type_name(kind)} of exits, but a detector needs feature '
                "maps: use dict(type='DynPerceiver', out_indices=(0, 1, 2, 3))"
            )
        neck = config.model.get('neck')
        first_neck = neck[0] if isinstance(neck, Sequence) and neck else neck
        if first_neck:
            with torch.device('meta'):
                _check_channels(MODELS.build(copy.deepcopy(entry)), first_neck)


def _check_channels(backbone: nn.Module, neck: Mapping[str, Any]) -> None:
    """Compare ``in_channels`` with the widths of the maps; a single number is the last one's."""
    wanted, channels = neck.get('in_channels'), list(backbone.out_channels)
    if wanted is None:
        return
    if type_name(neck['type']) in _DEEPEST_FIRST:
        channels.reverse()
    fitting: Any = channels
    if isinstance(wanted, int | tuple) and not _takes_only_a_list(neck, channels):
        fitting = channels[-1] if isinstance(wanted, int) else tuple(channels)
    if wanted != fitting:
        raise UserError(
            f'model.neck.in_channels={wanted!r} does not fit the maps of the backbone: '
            f'{_described(backbone)}; set model.neck.in_channels={fitting}, or choose other '
            'out_indices'
        )


def _takes_only_a_list(neck: Mapping[str, Any], channels: list[int]) -> bool:
    """Whether a neck can be built with a list of these widths, but not with what it is given."""

    def can_be_built(settings: Mapping[str, Any]) -> bool:
        try:
            MODELS.build(copy.deepcopy(dict(settings)))
        except Exception:  # a constructor can fail in any way
            return False
        return True

    return can_be_built({**neck, 'in_channels': channels}) and not can_be_built(neck)


def _described(backbone: nn.Module) -> str:
    return (
        f'with out_indices={backbone.out_indices}, {backbone.arch} gives maps of '
        f'{list(backbone.out_channels)} channels and strides {list(backbone.out_strides)}'
    )


def check_strides_fit(detector: nn.Module, config: Config) -> None:
    """Compare the strides that a detector's heads were told with those of the maps they are given.

    Args:
        detector: Any; with backbones that are not ours nothing is checked.
        config: What it was built from.

    Raises:
        UserError: They differ.
    """
    if getattr(getattr(detector, 'backbone', None), 'out_strides', None) is None:
        return
    strides = _strides_of_maps(detector)
    for entry, wanted, part_is_enough in _strides_of_heads(detector, config):
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


def _strides_of_heads(detector: nn.Module, config: Config) -> Iterator[tuple[str, list[int], bool]]:
    """The config entry, its strides, and whether a head may leave out the last maps."""
    for name in ('bbox_head', 'rpn_head'):
        head = getattr(detector, name, None)
        generator = getattr(head, 'prior_generator', None)
        # Those of SSD depend on the size of the images.
        if generator is not None and type(generator).__name__ != 'SSDAnchorGenerator':
            entry = f'model.{name}.{_strides_setting(head, config.model.get(name) or {})}'
            yield entry, [max(stride) for stride in generator.strides], False
    extractor = getattr(getattr(detector, 'roi_head', None), 'bbox_roi_extractor', None)
    first = extractor[0] if isinstance(extractor, nn.ModuleList) else extractor
    if hasattr(first, 'featmap_strides'):
        entry = 'model.roi_head.bbox_roi_extractor.featmap_strides'
        yield entry, list(first.featmap_strides), True


def _strides_setting(head: nn.Module, entry: Mapping[str, Any]) -> str:
    """What a head calls its strides: as the config has it or, if it says nothing, the head."""
    parameters = inspect.signature(type(head).__init__).parameters
    for settings in (entry, parameters):
        for name in ('anchor_generator', 'prior_generator'):
            if name in settings:
                return f'{name}.strides'
        for name in ('strides', 'point_strides'):
            if name in settings:
                return name
    return 'anchor_generator.strides'
