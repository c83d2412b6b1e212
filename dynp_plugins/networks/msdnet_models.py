"""MSDNets by name: the published CIFAR and ImageNet settings."""

from typing import Any

from .contract import MultiExitNetwork
from .dense_layers import conv_exit_network
from .msdnet import MSDNetBackbone

_CIFAR: dict[str, Any] = dict(
    stem='cifar',
    num_blocks=7,
    base=4,
    step=2,
    step_mode='even',
    num_scales=3,
    channels=16,
    growth_rate=6,
    growth_factor=(1, 2, 4),
    bottleneck_factor=(1, 2, 4),
    reduction=0.5,
    prune='max',
)
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


def msdnet(num_classes: int = 10, **backbone_settings: Any) -> MultiExitNetwork:
    """An MSDNet with fresh weights; without arguments a published one for CIFAR-10.

    Args:
        num_classes: Number of classes.
        **backbone_settings: As in `MSDNetBackbone`. With ``stem='cifar'`` the classifiers are 128
            channels wide, with ``'imagenet'`` as wide as the map they read.

    Raises:
        UserError: A setting that is not possible.
    """
    settings = _CIFAR | backbone_settings
    return conv_exit_network(MSDNetBackbone(**settings), num_classes, settings['stem'])
