"""RANets by name: the published CIFAR and ImageNet networks."""

from typing import Any

from .contract import MultiExitNetwork
from .dense_layers import conv_exit_network
from .ranet import RANetBackbone

_CIFAR: dict[str, Any] = dict(
    stem='cifar',
    scale_list=(1, 2, 3, 3),
    growth_factor=(4, 2, 1, 1),
    bottleneck_factor=(4, 2, 1, 1),
    channels=16,
    growth_rate=6,
    num_blocks=2,
    block_step=2,
    step=4,
    step_mode='even',
    compress_factor=0.25,
    reduction=0.5,
)
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


def ranet(num_classes: int = 10, **backbone_settings: Any) -> MultiExitNetwork:
    """A RANet with fresh weights; without arguments a published one for CIFAR-10.

    Args:
        num_classes: Number of classes.
        **backbone_settings: As in `RANetBackbone`. With ``stem='cifar'`` the classifiers are 128
            channels wide, with ``'imagenet'`` as wide as the map they read.

    Raises:
        UserError: A setting that is not possible.
    """
    settings = _CIFAR | backbone_settings
    return conv_exit_network(RANetBackbone(**settings), num_classes, settings['stem'])
