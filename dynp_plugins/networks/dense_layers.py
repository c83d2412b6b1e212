"""The convolutions and the classifiers that MSDNet and RANet share.

Papers: "Multi-Scale Dense Networks for Resource Efficient Image Classification", arXiv 1703.09844,
and "Resolution Adaptive Networks for Efficient Inference", arXiv 2003.07326.
"""

from collections.abc import Sequence

from torch import Tensor, nn

from ..errors import UserError
from .contract import (
    ExitBackbone,
    ExitHeads,
    MultiExitNetwork,
    check_exit_widths,
    check_num_classes,
)

STEM_STRIDES = {'cifar': 1, 'imagenet': 4}
"""The stems, and input pixels per pixel of what they put out."""

# By stem: ``hidden_channels`` of the published `ConvExitHeads`.
_HEAD_CHANNELS = {'cifar': 128, 'imagenet': None}
_EXIT_STRIDE = 4
_POOLED_SIDES = (2, 3)


class ConvNormAct(nn.Sequential):
    """Convolution without bias, BatchNorm, ReLU; (B, C, H, W) -> (B, C', H / stride, W / stride).

    Args:
        in_channels: C.
        out_channels: C'.
        kernel_size: 1 or 3; the padding keeps the size.
        stride: 1 or 2.
    """

    def __init__(self, in_channels: int, out_channels: int, kernel_size: int = 3, stride: int = 1):
        super().__init__(
            nn.Conv2d(
                in_channels,
                out_channels,
                kernel_size,
                stride=stride,
                padding=kernel_size // 2,
                bias=False,
            ),
            nn.BatchNorm2d(out_channels),
            nn.ReLU(inplace=True),
        )


def stem_layers(stem: str, channels: int) -> nn.Module:
    """The first layer on images (B, 3, H, W): to (B, channels, H, W), or a quarter of the size.

    Args:
        stem: One of `STEM_STRIDES`; ``'imagenet'`` has a 7x7 convolution and max-pooling.
        channels: Width.
    """
    if stem == 'cifar':
        return ConvNormAct(3, channels)
    return nn.Sequential(
        nn.Conv2d(3, channels, 7, stride=2, padding=3),
        nn.BatchNorm2d(channels),
        nn.ReLU(inplace=True),
        nn.MaxPool2d(3, stride=2, padding=1),
    )


class BottleneckConv(nn.Sequential):
    """A 1x1 `ConvNormAct` to at most ``bottleneck_factor * out_channels``, then a 3x3 one."""

    def __init__(
        self, in_channels: int, out_channels: int, bottleneck_factor: int, stride: int = 1
    ):
        middle = min(in_channels, bottleneck_factor * out_channels)
        super().__init__(
            ConvNormAct(in_channels, middle, kernel_size=1),
            ConvNormAct(middle, out_channels, stride=stride),
        )


class ConvExitHeads(ExitHeads):
    """Two strided convolutions, 2x2 average pooling and a linear layer at every exit.

    The heads of MSDNet and RANet; they read feature maps (B, C, H, W).

    Args:
        in_channels: Width of each exit's feature map, the backbone's ``exit_channels``.
        num_classes: Number of classes.
        hidden_channels: Width of the two convolutions: 128 in the published CIFAR networks; None
            keeps the feature map's, as in the ImageNet ones.
        exit_names: The backbone's exits; default ``exit1``, ``exit2``, ...

    Raises:
        UserError: Widths and exits do not fit each other, or there are no classes.
    """

    def __init__(
        self,
        in_channels: Sequence[int],
        num_classes: int,
        hidden_channels: int | None = None,
        exit_names: Sequence[str] | None = None,
    ):
        super().__init__()
        check_num_classes(num_classes)
        self.in_channels = tuple(in_channels)
        self.exit_names = tuple(exit_names or numbered_exits(len(in_channels)))
        check_exit_widths(self.in_channels, self.exit_names)
        self.classifiers = nn.ModuleDict(
            {
                name: _classifier(width, hidden_channels or width, num_classes)
                for name, width in zip(self.exit_names, self.in_channels, strict=True)
            }
        )
        init_conv_network(self)

    def step(self, k: int, feature: Tensor, previous_logits: Sequence[Tensor]) -> Tensor:
        """See `ExitHeads.step`."""
        return self.classifiers[self.exit_names[k]](feature)


def conv_exit_network(backbone: ExitBackbone, num_classes: int, stem: str) -> MultiExitNetwork:
    """A backbone with the `ConvExitHeads` that are published for its stem."""
    heads = ConvExitHeads(
        backbone.exit_channels, num_classes, _HEAD_CHANNELS[stem], backbone.exit_names
    )
    return MultiExitNetwork(backbone, heads)


def _classifier(in_channels: int, hidden_channels: int, num_classes: int) -> nn.Sequential:
    return nn.Sequential(
        ConvNormAct(in_channels, hidden_channels, stride=2),
        ConvNormAct(hidden_channels, hidden_channels, stride=2),
        nn.AvgPool2d(2),
        nn.Flatten(),
        nn.Linear(hidden_channels, num_classes),
    )


def numbered_exits(count: int) -> tuple[str, ...]:
    """``('exit1', 'exit2', ...)``."""
    return tuple(f'exit{k + 1}' for k in range(count))


def check_exit_resolution(network: str, images: Tensor, stride: int) -> None:
    """Refuse images whose maps at the exits are not pooled to a single pixel.

    The classifiers halve the map twice and pool 2x2; what they pool must be 2 or 3 pixels wide.

    Args:
        network: Its name, for the message.
        images: (B, 3, H, W).
        stride: Input pixels per pixel of the maps that the exits read.

    Raises:
        UserError: The images are too small or too large.
    """
    total = stride * _EXIT_STRIDE
    smallest, largest = (_POOLED_SIDES[0] - 1) * total + 1, _POOLED_SIDES[1] * total
    height, width = images.shape[-2:]
    if not all(smallest <= side <= largest for side in (height, width)):
        raise UserError(
            f'{network} cannot take images of {height}x{width}: with these settings they must be '
            f'at least {smallest}x{smallest} and at most {largest}x{largest}'
        )


def init_conv_network(module: nn.Module) -> None:
    """Initialise the weights as both papers' code means to.

    Convolutions are normal with standard deviation sqrt(2 / (k * k * channels out)), norms are 1
    and 0, linear biases 0. (A loop in MSDNet's PyTorch release never reaches its convolutions.)
    """
    for layer in module.modules():
        if isinstance(layer, nn.Conv2d):
            nn.init.kaiming_normal_(layer.weight, mode='fan_out', nonlinearity='relu')
            if layer.bias is not None:
                nn.init.zeros_(layer.bias)
        elif isinstance(layer, nn.BatchNorm2d):
            nn.init.ones_(layer.weight)
            nn.init.zeros_(layer.bias)
        elif isinstance(layer, nn.Linear):
            nn.init.zeros_(layer.bias)
