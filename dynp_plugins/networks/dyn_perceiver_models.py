"""Dyn-Perceivers by name: one for every feature branch, and the three released models."""

from typing import Any

from ..errors import UserError
from .contract import MultiExitNetwork
from .dyn_perceiver import DynPerceiverBackbone
from .dyn_perceiver_heads import DynPerceiverHeads
from .feature_branches import list_feature_branches

DYN_PERCEIVER_MODELS: dict[str, dict[str, Any]] = {
    **{f'dyn_perceiver_{arch}': dict(arch=arch) for arch in list_feature_branches()},
    'dyn_perceiver_regnety_tiny': dict(
        arch='regnety_tiny',
        num_latents=16,
        depth_factor=(1 / 3, 1 / 3, 1 / 9, 1 / 3),
        latent_grid=4,
    ),
    'dyn_perceiver_regnety_800mf_t128': dict(
        arch='regnety_800mf', num_latents=128, depth_factor=(1, 1, 1, 2)
    ),
    'dyn_perceiver_resnet50_0.375_t128': dict(
        arch='resnet50', width=0.375, num_latents=128, depth_factor=(1, 1, 1, 1)
    ),
    'dyn_perceiver_mobilenetv3_0.75_t128': dict(
        arch='mobilenetv3', width=0.75, num_latents=128, depth_factor=(1, 1, 1, 3)
    ),
}
"""Settings by name; the last three are the published models (arXiv 2306.11248)."""


def dyn_perceiver(
    arch: str, num_classes: int = 1000, with_fkt: bool = True, **backbone_settings: Any
) -> MultiExitNetwork:
    """A Dyn-Perceiver with fresh weights.

    Args:
        arch: Feature branch.
        num_classes: Number of classes.
        with_fkt: Forward knowledge transfer between the heads.
        **backbone_settings: As in `DynPerceiverBackbone`.

    Raises:
        UserError: A setting that is not possible, or one that leaves no exits.
    """
    if backbone_settings.get('out_indices') is not None:
        raise UserError(
            'out_indices is for the backbones of detectors, which have no exits to classify at: '
            'leave it out, or build DynPerceiverBackbone itself'
        )
    backbone = DynPerceiverBackbone(arch, **backbone_settings)
    heads = DynPerceiverHeads(
        backbone.exit_channels,
        num_classes,
        backbone.exit_names,
        with_fkt=with_fkt,
        **backbone.feature_branch.head_settings,
    )
    return MultiExitNetwork(backbone, heads)
