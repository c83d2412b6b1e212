"""MSDNets by name: the published CIFAR and ImageNet settings."""

from collections.abc import Sequence
from typing import Any

from .contract import MultiExitNetwork
from .dense_layers import HEAD_CHANNELS, ConvExitHeads
from .msdnet import MSDNetBackbone

_IMAGENET: dict[str, Any] = dict(
    num_classes=1000,
    stem='imagenet',
    num_blocks=5,
    num_scales=4,
    channels=32,
    growth_rate=16,
    growth_factor=(1, 2, 4, 4),
    bottleneck_factor=(1, 2, 4, 4),
)

MSDNET_MODELS: dict[str, dict[str, Any]] = {
    'msdnet': {},
    'msdnet_cifar_step2_b7': dict(num_blocks=7, base=4, step=2),
    'msdnet_cifar_step2_b10': dict(num_blocks=10, base=4, step=2),
    'msdnet_cifar_lingrow_b5': dict(num_blocks=5, base=1, step=1, step_mode='lin_grow'),
    'msdnet_imagenet_step4': dict(_IMAGENET, base=4, step=4),
    'msdnet_imagenet_step6': dict(_IMAGENET, base=6, step=6),
    'msdnet_imagenet_step7': dict(_IMAGENET, base=7, step=7),
}
"""Settings by name, where they are not the defaults of `msdnet`; all are published ones."""


def msdnet(
    num_classes: int = 10,
    stem: str = 'cifar',
    num_blocks: int = 7,
    base: int = 4,
    step: int = 2,
    step_mode: str = 'even',
    num_scales: int = 3,
    channels: int = 16,
    growth_rate: int = 6,
    growth_factor: Sequence[int] = (1, 2, 4),
    bottleneck_factor: Sequence[int] = (1, 2, 4),
    reduction: float = 0.5,
    prune: str = 'max',
    lazy: bool = True,
) -> MultiExitNetwork:
    """An MSDNet with fresh weights; without arguments a published one for CIFAR-10.

    Args:
        num_classes: Number of classes.
        stem: ``'cifar'`` or ``'imagenet'``, see `MSDNetBackbone`; the classifiers of ``'cifar'``
            are 128 channels wide, those of ``'imagenet'`` as wide as the map they read.
        num_blocks: This and all that follow are settings of `MSDNetBackbone`.

    Raises:
        UserError: A setting that is not possible.
    """
    backbone = MSDNetBackbone(
        stem=stem,
        num_blocks=num_blocks,
        base=base,
        step=step,
        step_mode=step_mode,
        num_scales=num_scales,
        channels=channels,
        growth_rate=growth_rate,
        growth_factor=growth_factor,
        bottleneck_factor=bottleneck_factor,
        reduction=reduction,
        prune=prune,
        lazy=lazy,
    )
    heads = ConvExitHeads(
        backbone.exit_channels,
        num_classes,
        hidden_channels=HEAD_CHANNELS[stem],
        exit_names=backbone.exit_names,
    )
    return MultiExitNetwork(backbone, heads)
