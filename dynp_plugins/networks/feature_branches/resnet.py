"""ResNet feature branches of any width, made of torchvision's residual blocks.

Paper: "Deep Residual Learning for Image Recognition", arXiv 1512.03385; the bottleneck has its
stride in the 3x3 convolution (version 1.5). At width 1 the weights are torchvision's; the narrow
ones scale every width, the stem's included (Dyn-Perceiver, arXiv 2306.11248).
"""

from typing import Any

from torch import Tensor, nn
from torch.nn import functional as F
from torchvision.models.resnet import BasicBlock, Bottleneck
from torchvision.ops import StochasticDepth

from ...errors import UserError
from .branch import FeatureBranch


class _WithStochasticDepth(nn.Module):
    """A residual block that, while training, is skipped by some of the samples.

    The norm at the end of its branch stays a plain one, so that it can be synchronised between
    processes. ``stochastic_depth`` has no weights: those of a block are torchvision's.
    """

    def __init__(self, *args: Any):
        super().__init__(*args)
        self.stochastic_depth = StochasticDepth(0.0, mode='row')  # arXiv 1603.09382

    def forward(self, x: Tensor) -> Tensor:
        """(B, C, H, W) to (B, C', H / stride, W / stride), as without stochastic depth."""
        out = self.stochastic_depth(self.branch(x))
        out += x if self.downsample is None else self.downsample(x)
        return self.relu(out)


class _BasicBlock(_WithStochasticDepth, BasicBlock):
    def branch(self, x: Tensor) -> Tensor:
        x = self.relu(self.bn1(self.conv1(x)))
        return self.bn2(self.conv2(x))

    @property
    def last_norm(self) -> nn.BatchNorm2d:
        return self.bn2


class _Bottleneck(_WithStochasticDepth, Bottleneck):
    def branch(self, x: Tensor) -> Tensor:
        x = self.relu(self.bn1(self.conv1(x)))
        x = self.relu(self.bn2(self.conv2(x)))
        return self.bn3(self.conv3(x))

    @property
    def last_norm(self) -> nn.BatchNorm2d:
        return self.bn3


class NarrowProjection(nn.Conv2d):
    """A strided 1x1 convolution that drops the pixels it skips before it convolves.

    It gives the same as a `Conv2d`. The backward pass of that in oneDNN writes beyond its memory
    where there are fewer channels than a vector has numbers, channels are last, and several threads
    run (oneDNN's issue 6035): the process then ends in a segmentation fault.
    """

    def forward(self, x: Tensor) -> Tensor:
        """(B, C, H, W) to (B, C', H / stride, W / stride)."""
        rows, columns = self.stride
        return F.conv2d(x[..., ::rows, ::columns], self.weight, self.bias)


_VECTOR = 16
"""Numbers in float32 that a processor's vector holds, at most."""

_BLOCKS = {
    'resnet18': (_BasicBlock, (2, 2, 2, 2)),
    'resnet34': (_BasicBlock, (3, 4, 6, 3)),
    'resnet50': (_Bottleneck, (3, 4, 6, 3)),
}
RESNET_ARCHS = tuple(_BLOCKS)
RESNET_WIDTHS = (0.375, 0.5, 0.625, 0.75, 1.0)
"""The published widths; in a Dyn-Perceiver every multiple of 1/32 works as well."""

_BASE_WIDTHS = (64, 128, 256, 512)
_FEATURE_DROPOUT = 0.2


def resnet(arch: str, width: float = 1.0, drop_path_rate: float = 0.0) -> FeatureBranch:
    """Build the ResNet branch named ``arch``.

    Args:
        arch: One of `RESNET_ARCHS`.
        width: Multiplies every width; the product is rounded down.
        drop_path_rate: Stochastic depth of the last block; it rises linearly from 0 at the first
            one. The published training uses 0.2.

    Raises:
        UserError: A width that leaves too few channels, or a rate that is no probability below 1.
    """
    widths = [int(width * base) for base in _BASE_WIDTHS]
    if widths[0] < 8:
        raise UserError(f'width={width}: {arch} needs at least 0.125, which leaves 8 channels')
    if not isinstance(drop_path_rate, int | float) or not 0 <= drop_path_rate < 1:
        raise UserError(
            f'drop_path_rate={drop_path_rate!r}: give a probability of at least 0, below 1'
        )
    block, depths = _BLOCKS[arch]
    stem = nn.Sequential(
        nn.Conv2d(3, widths[0], 7, stride=2, padding=3, bias=False),
        nn.BatchNorm2d(widths[0]),
        nn.ReLU(inplace=True),
        nn.MaxPool2d(3, stride=2, padding=1),
    )
    stages, channels = [], [widths[0]]
    for i, (planes, depth) in enumerate(zip(widths, depths, strict=True)):
        stages.append(_stage(block, channels[-1], planes, depth, stride=1 if i == 0 else 2))
        channels.append(planes * block.expansion)
    branch = FeatureBranch(
        stem,
        stages,
        channels,
        strides=(4, 8, 16, 32),
        head_settings=dict(feature_dropout=_FEATURE_DROPOUT),
    )
    _init_weights(branch, drop_path_rate)
    return branch


def _stage(
    block: type[_BasicBlock | _Bottleneck], in_channels: int, planes: int, depth: int, stride: int
) -> nn.Sequential:
    out_channels = planes * block.expansion
    downsample = None
    if stride != 1 or in_channels != out_channels:
        narrow = stride != 1 and in_channels < _VECTOR
        projection = NarrowProjection if narrow else nn.Conv2d
        downsample = nn.Sequential(
            projection(in_channels, out_channels, 1, stride=stride, bias=False),
            nn.BatchNorm2d(out_channels),
        )
    return nn.Sequential(
        block(in_channels, planes, stride, downsample),
        *(block(out_channels, planes) for _ in range(depth - 1)),
    )


def _init_weights(branch: FeatureBranch, drop_path_rate: float) -> None:
    for module in branch.modules():
        if isinstance(module, nn.Conv2d):
            nn.init.kaiming_normal_(module.weight, mode='fan_out', nonlinearity='relu')
    blocks = [block for stage in branch.stages for block in stage]
    for i, block in enumerate(blocks):
        nn.init.zeros_(block.last_norm.weight)  # a fresh block is the identity
        block.stochastic_depth.p = drop_path_rate * i / (len(blocks) - 1)
