"""Dyn-Perceiver's backbone: a feature branch and a latent branch that talk by cross-attention.

Paper: "Dynamic Perceiver for Efficient Visual Recognition", arXiv 2306.11248 (ICCV 2023), section
3. The architecture is the published one; how it is cut into steps, the names and the code are ours.
"""

import math
from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor, nn

from ..errors import UserError
from .attention import CrossAttentionLayer, SelfAttentionLayer, init_linear_layers
from .contract import ExitBackbone, State, check_images, check_switches
from .feature_branches import build_feature_branch

EXITS = ('early', 'latent', 'feature', 'merged')

SELF_ATTENTION_LAYERS = (3, 3, 9, 3)
_SELF_ATTENTION_HEADS = (1, 2, 4, 8)
_Z2X_REDUCTION = 8


class ImageToLatent(nn.Module):
    """X2Z: the latent code reads the image features (paper section 3.2).

    The features pass a residual depth-wise 7x7 convolution and are pooled to a fixed grid, so
    that the cost hardly depends on the image size.

    Args:
        channels: Width of both branches at this stage.
        grid: Side of the pooled grid; grid * grid tokens are read.
        with_dwc: Whether the depth-wise convolution is there.
    """

    def __init__(self, channels: int, grid: int = 7, with_dwc: bool = True):
        super().__init__()
        self.dwconv = (
            nn.Conv2d(channels, channels, 7, padding=3, groups=channels) if with_dwc else None
        )
        self.pool = nn.AdaptiveAvgPool2d(grid)
        self.cross_attention = CrossAttentionLayer(
            channels, channels, channels, num_positions=grid * grid
        )

    def forward(self, z: Tensor, x: Tensor) -> Tensor:
        """z (B, L, C) reads x (B, C, H, W); returns (B, L, C)."""
        if self.dwconv is not None:
            x = self.dwconv(x) + x
        return self.cross_attention(z, self.pool(x).flatten(2).transpose(1, 2))


class LatentToImage(nn.Module):
    """Z2X: every pixel of the image features reads the latent code (paper section 3.2)."""

    def __init__(self, image_channels: int, latent_channels: int):
        super().__init__()
        self.cross_attention = CrossAttentionLayer(
            image_channels, latent_channels, image_channels // _Z2X_REDUCTION
        )

    def forward(self, x: Tensor, z: Tensor) -> Tensor:
        """x (B, C, H, W) reads z (B, L, Cz); returns (B, C, H, W)."""
        pixels = x.flatten(2).transpose(1, 2)  # (B, H*W, C)
        return self.cross_attention(pixels, z).transpose(1, 2).unflatten(2, x.shape[2:])


class LatentMixer(nn.Module):
    """Between two stages: halve the latent tokens, then widen their channels.

    Args:
        num_latents: Tokens that come in.
        channels: Width that comes in.
        out_channels: Width that goes out.
        with_token_mixer: Whether tokens are mixed and halved; without, their number stays.
    """

    def __init__(
        self, num_latents: int, channels: int, out_channels: int, with_token_mixer: bool = True
    ):
        super().__init__()
        self.tokens = (
            nn.Sequential(nn.LayerNorm(num_latents), nn.Linear(num_latents, num_latents // 2))
            if with_token_mixer
            else None
        )
        self.channels = nn.Sequential(nn.LayerNorm(channels), nn.Linear(channels, out_channels))

    def forward(self, z: Tensor) -> Tensor:
        """(B, L, C) -> (B, L / 2, C_out)."""
        if self.tokens is not None:
            z = self.tokens(z.transpose(1, 2)).transpose(1, 2)
        return self.channels(z)


class DynPerceiverBackbone(ExitBackbone):
    """The two branches of Dyn-Perceiver, cut at its four exits.

    - ``early``: the latent code in stage 3, before the CNN's third stage runs;
    - ``latent``: the latent code in stage 4, before the CNN's last stage runs;
    - ``feature``: the CNN's last stage;
    - ``merged``: both branches, after a last Z2X.

    Args:
        arch: Feature branch, one of `feature_branches.list_feature_branches()`.
        width: Multiplies the channels of ResNet and MobileNet-v3 branches.
        num_latents: Latent tokens in stage 1; they halve from stage to stage. A multiple of 8.
        depth_factor: Per stage, multiplies the (3, 3, 9, 3) self-attention layers; at least one
            layer stays.
        latent_grid: Side of the grid X2Z pools the features to (7 in the paper).
        exits: The exits that exist, a part of `EXITS` in that order that ends with ``merged``.
        with_x2z: X2Z in stages 2 to 4 (stage 1 always has it).
        with_z2x: Z2X before stages 2 to 4.
        with_last_z2x: Z2X behind the last stage.
        with_dwc: The depth-wise convolution of X2Z.
        with_token_mixer: Whether the tokens halve between stages.
        drop_path_rate: Stochastic depth in the blocks of ResNet branches.

    Raises:
        UserError: A setting that is not possible.
    """

    def __init__(
        self,
        arch: str,
        width: float = 1.0,
        num_latents: int = 128,
        depth_factor: Sequence[float] = (1, 1, 1, 1),
        latent_grid: int = 7,
        exits: Sequence[str] = EXITS,
        with_x2z: bool = True,
        with_z2x: bool = True,
        with_last_z2x: bool = True,
        with_dwc: bool = True,
        with_token_mixer: bool = True,
        drop_path_rate: float = 0.0,
    ):
        super().__init__()
        _check_settings(num_latents, depth_factor, latent_grid, exits)
        check_switches(
            with_x2z=with_x2z,
            with_z2x=with_z2x,
            with_last_z2x=with_last_z2x,
            with_dwc=with_dwc,
            with_token_mixer=with_token_mixer,
        )
        branch = build_feature_branch(arch, width, drop_path_rate)
        c1, c2, c3, c4, c5 = branch.channels
        widths = (c1, c2, c3, c4)
        if any(c % heads for c, heads in zip(widths, _SELF_ATTENTION_HEADS, strict=True)):
            raise UserError(
                f'width={width} makes the stages {widths} channels wide, which '
                f'{_SELF_ATTENTION_HEADS} attention heads do not divide; the nearest width that '
                f'fits is {max(4, round(32 * width)) / 32:g}'
            )
        self.exit_names = tuple(exits)
        all_channels = dict(zip(EXITS, (c3, c4, c5, c5 + c4), strict=True))
        self.exit_channels = tuple(all_channels[name] for name in exits)

        self.arch = arch
        self.image_size = 64 if arch == 'regnety_tiny' else 224
        self.feature_branch = branch
        self.latent = nn.Parameter(torch.empty(num_latents, c1).normal_(std=0.02).clamp_(-2, 2))
        self.x2z = nn.ModuleList(
            ImageToLatent(c, latent_grid, with_dwc) if i == 0 or with_x2z else None
            for i, c in enumerate(widths)
        )
        self.self_attention = nn.ModuleList(
            nn.Sequential(
                *(SelfAttentionLayer(c, heads) for _ in range(max(1, round(layers * factor))))
            )
            for c, heads, layers, factor in zip(
                widths, _SELF_ATTENTION_HEADS, SELF_ATTENTION_LAYERS, depth_factor, strict=True
            )
        )
        # Entry i of the next two stands before stage i + 2; the last z2x stands behind stage 4.
        self.mixers = nn.ModuleList(
            LatentMixer(
                num_latents // 2**i if with_token_mixer else num_latents,
                widths[i],
                widths[i + 1],
                with_token_mixer,
            )
            for i in range(3)
        )
        self.z2x = nn.ModuleList(LatentToImage(c, c) if with_z2x else None for c in widths[1:])
        self.last_z2x = LatentToImage(c5, c4) if with_last_z2x else None
        for name, module in self.named_children():
            if name != 'feature_branch':
                init_linear_layers(module)

    def start(self, images: Tensor) -> State:
        """The stem's features ``x`` (B, C1, H', W') and the latent code ``z`` (B, L, C1).

        Features are kept channels-last from here on: pixels are then tokens without a copy.
        """
        check_images(images)
        images = images.contiguous(memory_format=torch.channels_last)
        return {
            'x': self.feature_branch.stem(images),
            'z': self.latent.expand(len(images), -1, -1),
        }

    def step(self, k: int, state: State) -> tuple[State, Tensor]:
        """See `ExitBackbone.step`."""
        begin = EXITS.index(self.exit_names[k - 1]) + 1 if k else 0
        end = EXITS.index(self.exit_names[k]) + 1
        x, z = state['x'], state['z']
        for exit_name in EXITS[begin:end]:
            x, z = self._advance(exit_name, x, z)
        return {'x': x, 'z': z}, self._feature(self.exit_names[k], x, z)

    def _advance(self, exit_name: str, x: Tensor, z: Tensor) -> tuple[Tensor, Tensor]:
        """Run what lies between the exit before ``exit_name`` in `EXITS` and ``exit_name``."""
        stages = self.feature_branch.stages
        if exit_name == 'early':
            for i in range(2):
                x, z = self._exchange(i, x, z)
                x = stages[i](x)
            return self._exchange(2, x, z)
        if exit_name == 'latent':
            return self._exchange(3, stages[2](x), z)
        if exit_name == 'feature':
            return stages[3](x), z
        return (x if self.last_z2x is None else self.last_z2x(x, z)), z

    def _exchange(self, i: int, x: Tensor, z: Tensor) -> tuple[Tensor, Tensor]:
        """All the latent branch does in stage ``i + 1``, before the CNN's stage runs."""
        if i > 0:
            z = self.mixers[i - 1](z)
            if self.z2x[i - 1] is not None:
                x = self.z2x[i - 1](x, z)
        if self.x2z[i] is not None:
            z = self.x2z[i](z, x)
        return x, self.self_attention[i](z)

    @staticmethod
    def _feature(exit_name: str, x: Tensor, z: Tensor) -> Tensor:
        """What the head of ``exit_name`` reads: token mean, global average, or both; (B, C)."""
        if exit_name in ('early', 'latent'):
            return z.mean(1)
        if exit_name == 'feature':
            return x.mean((2, 3))
        return torch.cat([x.mean((2, 3)), z.mean(1)], 1)


def _check_settings(num_latents: Any, depth_factor: Any, latent_grid: Any, exits: Any) -> None:
    if not isinstance(num_latents, int) or num_latents < 8 or num_latents % 8:
        raise UserError(
            f'num_latents={num_latents!r}: the tokens halve three times, give a multiple of 8 as '
            'a whole number'
        )
    if (
        not isinstance(depth_factor, Sequence)
        or len(depth_factor) != 4
        or not all(isinstance(f, int | float) and 0 < f < math.inf for f in depth_factor)
    ):
        raise UserError(
            f'depth_factor={depth_factor!r}: give one positive number for each stage, such as '
            '(1, 1, 1, 2)'
        )
    if not isinstance(latent_grid, int) or latent_grid < 1:
        raise UserError(f'latent_grid={latent_grid!r}: give a whole number of at least 1')
    if isinstance(exits, str) or not isinstance(exits, Sequence):
        raise UserError(f"exits={exits!r}: give a tuple of names, such as ('early', 'merged')")
    if tuple(exits) != tuple(name for name in EXITS if name in exits) or 'merged' not in exits:
        raise UserError(
            f'exits={tuple(exits)!r}: give a part of {EXITS} in this order, with "merged"'
        )
