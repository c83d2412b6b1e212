"""RANet's blocks: dense layers, and layers that fuse what a lower-resolution sub-network computed.

Paper: "Resolution Adaptive Networks for Efficient Inference", arXiv 2003.07326, section 3.

Both kinds of block only ever append channels to a map, so every feature inside a block is the
first so many channels of a later one, and one tensor holds them all. A new map begins only where
that fails: where the resolution halves, and behind a transition. A block therefore returns one to
three maps, and a `Prefix` says where in them a feature lies.
"""

import math
from collections.abc import Sequence
from typing import NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from ..errors import UserError
from .dense_layers import BottleneckConv, ConvNormAct


class Prefix(NamedTuple):
    """The first ``channels`` channels of a sub-network's map number ``map``."""

    map: int
    channels: int

    def of(self, maps: Sequence[Tensor]) -> Tensor:
        """The feature itself, a view (B, channels, H, W)."""
        return maps[self.map][:, : self.channels]


class DenseLayer(nn.Module):
    """Appends what a `BottleneckConv` makes of the map to the map."""

    def __init__(self, channels: int, growth: int, bottleneck_factor: int):
        super().__init__()
        self.own = BottleneckConv(channels, growth, bottleneck_factor)

    def forward(self, x: Tensor) -> Tensor:
        """(B, C, H, W) -> (B, C + growth, H, W)."""
        return torch.cat([x, self.own(x)], 1)


class NormalBlock(nn.Module):
    """Dense layers.

    Args:
        source: Where the block's input lies among its sub-network's maps.
        num_layers: Number of layers.
        growth: Channels a layer appends.
        bottleneck_factor: See `BottleneckConv`.
        reduction: Fraction of the channels a transition behind the layers keeps; None: no
            transition.

    Attributes:
        features: The input of every layer, and what follows the last one.
        output: What the next block and the exit read.
    """

    def __init__(
        self,
        source: Prefix,
        num_layers: int,
        growth: int,
        bottleneck_factor: int,
        reduction: float | None = None,
    ):
        super().__init__()
        self.features = tuple(
            Prefix(source.map, source.channels + j * growth) for j in range(num_layers + 1)
        )
        self.layers = nn.ModuleList(
            DenseLayer(feature.channels, growth, bottleneck_factor)
            for feature in self.features[:-1]
        )
        self.transition, self.output = _transition(self.features[-1], reduction)

    def forward(self, x: Tensor, low_maps: Sequence[Tensor] = ()) -> list[Tensor]:
        """Grow ``x`` (B, C, H, W); ``low_maps`` are not read.

        Returns:
            The map ``x`` grew into and, if there is a transition, the map behind it.
        """
        for layer in self.layers:
            x = layer(x)
        return [x] if self.transition is None else [x, self.transition(x)]


class FusionLayer(nn.Module):
    """A dense layer that also reads a feature of the sub-network below.

    Args:
        channels: Width of the layer's input.
        low_channels: Width of the feature of the sub-network below.
        growth: Channels the layer appends, those from below included.
        from_below: How many of them are made of the feature from below.
        bottleneck_factor: For the convolution of the layer's input.
        low_bottleneck_factor: For the convolution of the feature from below.
        down: Whether the resolution halves.
    """

    def __init__(
        self,
        channels: int,
        low_channels: int,
        growth: int,
        from_below: int,
        bottleneck_factor: int,
        low_bottleneck_factor: int,
        down: bool = False,
    ):
        super().__init__()
        self.down = down
        self.low = BottleneckConv(low_channels, from_below, low_bottleneck_factor)
        self.own = BottleneckConv(
            channels, growth - from_below, bottleneck_factor, 2 if down else 1
        )

    def forward(self, x: Tensor, low: Tensor) -> Tensor:
        """(B, C, H, W) and (B, C_low, h, w) -> (B, C + growth, H, W) or half as large."""
        own = self.own(x)
        size = own.shape[-2:]
        return torch.cat([_resize(x, size), _resize(self.low(low), size), own], 1)


class FusionBlock(nn.Module):
    """A block that fuses the block of the same number of the sub-network below, layer by layer.

    Args:
        source: Where the block's input lies among its sub-network's maps.
        low_features: `features` of the block below; one layer is made for each of its layers.
        growth: Channels a layer appends.
        compress_factor: Fraction of the appended channels that is made of features from below;
            behind the layers so many more channels come from below.
        bottleneck_factor: That of this sub-network.
        low_bottleneck_factor: That of the sub-network below.
        down: Whether the last layer halves the resolution.
        reduction: As in `NormalBlock`.

    Attributes:
        features: The input of every layer, and what follows the last one, before the additional
            channels from below.
        output: What the next block reads.
    """

    def __init__(
        self,
        source: Prefix,
        low_features: Sequence[Prefix],
        growth: int,
        compress_factor: float,
        bottleneck_factor: int,
        low_bottleneck_factor: int,
        down: bool = False,
        reduction: float | None = None,
    ):
        super().__init__()
        self.low_features = tuple(low_features)
        last = len(low_features) - 1
        self.features = tuple(
            Prefix(source.map + (down and j == last), source.channels + j * growth)
            for j in range(last + 1)
        )
        self.layers = nn.ModuleList(
            FusionLayer(
                self.features[j].channels,
                low_features[j].channels,
                growth,
                math.floor(growth * compress_factor),
                bottleneck_factor,
                low_bottleneck_factor,
                down=down and j == last - 1,
            )
            for j in range(last)
        )
        grown = self.features[-1]
        closing_channels = math.floor(grown.channels * compress_factor)
        self.closing = ConvNormAct(low_features[-1].channels, closing_channels, kernel_size=1)
        closed = grown._replace(channels=grown.channels + closing_channels)
        self.transition, self.output = _transition(closed, reduction)

    def forward(self, x: Tensor, low_maps: Sequence[Tensor]) -> list[Tensor]:
        """Grow ``x`` (B, C, H, W), reading the maps of the sub-network below.

        Returns:
            The map ``x`` grew into; the half as large one, if the last layer halves the
            resolution; the map behind the transition, if there is one.
        """
        lows = [feature.of(low_maps) for feature in self.low_features]
        maps = []
        for layer, low in zip(self.layers, lows[:-1], strict=True):
            if layer.down:
                maps.append(x)
            x = layer(x, low)
        closed = torch.cat([x, _resize(self.closing(lows[-1]), x.shape[-2:])], 1)
        if self.transition is None:
            return [*maps, closed]
        # Nobody but the transition reads the channels that close the block.
        return [*maps, x, self.transition(closed)]


def _transition(source: Prefix, reduction: float | None) -> tuple[ConvNormAct | None, Prefix]:
    """A 1x1 convolution that narrows a map, and where its output lies."""
    if reduction is None:
        return None, source
    channels = math.floor(reduction * source.channels)
    if channels < 1:
        raise UserError(
            f'reduction={reduction!r} leaves nothing of {source.channels} channels; the published '
            'networks have 0.5'
        )
    return (
        ConvNormAct(source.channels, channels, kernel_size=1),
        Prefix(source.map + 1, channels),
    )


def _resize(x: Tensor, size: Sequence[int]) -> Tensor:
    # To the size it has, the interpolation would copy every value unchanged.
    if x.shape[-2:] == size:
        return x
    return F.interpolate(x, size=size, mode='bilinear', align_corners=True)
