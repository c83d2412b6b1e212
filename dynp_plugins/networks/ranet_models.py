"""RANets by name: the published CIFAR and ImageNet networks."""

from collections.abc import Sequence
from typing import Any

from .contract import MultiExitNetwork
from .dense_layers import HEAD_CHANNELS, ConvExitHeads
from .ranet import RANetBackbone

_IMAGENET: dict[str, Any] = dict(
    num_classes=1000,
    stem='imagenet',
    scale_list=(1, 2, 3, 4),
    growth_factor=(4, 2, 2, 1),
    bottleneck_factor=(4, 2, 2, 1),
    growth_rate=16,
    step=8,
)

RANET_MODELS: dict[str, dict[str, Any]] = {
    'ranet': {},
    'ranet_cifar_1233': dict(
        scale_list=(1, 2, 3, 3), growth_factor=(4, 2, 1, 1), bottleneck_factor=(4, 2, 1, 1)
    ),
    'ranet_imagenet_c32': dict(_IMAGENET, channels=32),
    'ranet_imagenet_c64': dict(_IMAGENET, channels=64),
}
"""Settings by name, beyond the defaults of `ranet`; all published (arXiv 2003.07326)."""


def ranet(
    num_classes: int = 10,
    stem: str = 'cifar',
    scale_list: Sequence[int] = (1, 2, 3, 3),
    growth_factor: Sequence[int] = (4, 2, 1, 1),
    bottleneck_factor: Sequence[int] = (4, 2, 1, 1),
    channels: int = 16,
    growth_rate: int = 6,
    num_blocks: int = 2,
    block_step: int = 2,
    step: int = 4,
    step_mode: str = 'even',
    compress_factor: float = 0.25,
    reduction: float = 0.5,
) -> MultiExitNetwork:
    """A RANet with fresh weights; without arguments a published one for CIFAR-10.

    Args:
        num_classes: Number of classes.
        stem: Input layers, and with them the width inside the classifiers.
        scale_list: This and the following as in `RANetBackbone`.
    """
    backbone = RANetBackbone(
        stem=stem,
        scale_list=scale_list,
        growth_factor=growth_factor,
        bottleneck_factor=bottleneck_factor,
        channels=channels,
        growth_rate=growth_rate,
        num_blocks=num_blocks,
        block_step=block_step,
        step=step,
        step_mode=step_mode,
        compress_factor=compress_factor,
        reduction=reduction,
    )
    heads = ConvExitHeads(
        backbone.exit_channels,
        num_classes,
        hidden_channels=HEAD_CHANNELS[stem],
        exit_names=backbone.exit_names,
    )
    return MultiExitNetwork(backbone, heads)
