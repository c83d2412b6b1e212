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
from .attention import SelfAttentionLayer, init_linear_layers
from .contract import ExitBackbone, State, check_images, check_switches
from .feature_branches import build_feature_branch
from .feature_maps import NUM_STAGES, check_map_settings, feature_maps, keep_fixed, latent_depth
from .latent_branch import ImageToLatent, LatentMixer, LatentToImage
from .shortcuts import Shortcut
from .temporal_shift import (
    TemporalShiftNorm,
    check_segments,
    check_whole_clips,
    shift_residual_blocks,
)

EXITS = ('early', 'latent', 'feature', 'merged')

SELF_ATTENTION_LAYERS = (3, 3, 9, 3)
_SELF_ATTENTION_HEADS = (1, 2, 4, 8)


class DynPerceiverBackbone(Shortcut, ExitBackbone):
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
        with_latent: Whether the latent branch is there. Without, the CNN alone is left, with the
            one exit ``feature``; all that concerns the latent branch is then ignored.
        drop_path_rate: Stochastic depth in the blocks of ResNet branches.
        num_segments: Frames of a clip that the network sees together; 1 where every image is on
            its own, as in a picture classifier or a TSN.
        is_shift: Temporal shift in the residual blocks of the feature branch (TSM, arXiv
            1811.08383), if there are several frames.
        shift_div: One in so many channels moves to the next frame, and as many to the previous one.
        latent_shift: Temporal shift of the latent channels, too, before the first self-attention of
            every stage, if there are several frames. This is ours: with it alone the network sees
            time; beside the shift of the CNN it brought nothing (configs/action/nagoya_fir).
        out_indices: For detectors: the feature maps to return instead of the exits' features, a
            part of (0, 1, 2, 3). Map ``i`` is what the CNN's stage ``i + 1`` returns after the Z2X
            behind it. What they do not need is not built; ``exits`` is ignored.
        frozen_stages: -1 trains everything; 0 keeps the stem fixed, n all that map ``n - 1`` is
            computed with, the latent branch up to there included.
        norm_eval: Whether batch normalisation keeps its statistics in training.
        with_cp: Whether the maps are computed with activation checkpointing, stage by stage: less
            memory in training for a second forward pass. Outputs and gradients stay the same.

    Attributes:
        out_channels, out_strides: Of the maps in ``out_indices``; empty without them.

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
        with_latent: bool = True,
        drop_path_rate: float = 0.0,
        num_segments: int = 1,
        is_shift: bool = True,
        shift_div: int = 8,
        latent_shift: bool = False,
        out_indices: Sequence[int] | None = None,
        frozen_stages: int = -1,
        norm_eval: bool = False,
        with_cp: bool = False,
    ):
        super().__init__()
        _check_settings(num_latents, depth_factor, latent_grid, exits)
        check_segments(num_segments, shift_div)
        check_switches(
            with_x2z=with_x2z,
            with_z2x=with_z2x,
            with_last_z2x=with_last_z2x,
            with_dwc=with_dwc,
            with_token_mixer=with_token_mixer,
            with_latent=with_latent,
            is_shift=is_shift,
            latent_shift=latent_shift,
            norm_eval=norm_eval,
            with_cp=with_cp,
        )
        check_map_settings(out_indices, frozen_stages, with_cp)
        branch = build_feature_branch(arch, width, drop_path_rate)
        if num_segments > 1 and is_shift:
            shift_residual_blocks(branch, num_segments, shift_div)
        self.arch = arch
        self.image_size = 64 if arch == 'regnety_tiny' else 224
        self.num_segments = num_segments
        self.feature_branch = branch
        self.with_z2x, self.with_last_z2x = with_z2x, with_last_z2x
        self.frozen_stages, self.norm_eval, self.with_cp = frozen_stages, norm_eval, with_cp
        self.out_indices = None if out_indices is None else tuple(out_indices)
        depth = NUM_STAGES
        if self.out_indices is not None:
            branch.stages = branch.stages[: self.out_indices[-1] + 1]
            depth = latent_depth(len(branch.stages), with_z2x, with_last_z2x)
        self.latent_depth = depth if with_latent else 0
        self.out_channels = tuple(branch.channels[i + 1] for i in self.out_indices or ())
        self.out_strides = tuple(branch.strides[i] for i in self.out_indices or ())
        exit_channels = self._exit_channels(exits)
        self.exit_names, self.exit_channels = tuple(exit_channels), tuple(exit_channels.values())
        if self.latent_depth:
            _check_attention_heads(width, branch.channels[:NUM_STAGES])
            self._build_latent_branch(
                num_latents, depth_factor, latent_grid, with_x2z, with_dwc, with_token_mixer
            )
            if num_segments > 1 and latent_shift:
                for layers in self.self_attention:
                    layers[0].norm = TemporalShiftNorm(layers[0].norm, num_segments, shift_div)
            for name, module in self.named_children():
                if name != 'feature_branch':
                    init_linear_layers(module)
        keep_fixed(self)

    def _exit_channels(self, exits: Sequence[str]) -> dict[str, int]:
        """Width of the feature of every exit that exists, in order of execution."""
        *_, c3, c4, c5 = self.feature_branch.channels
        if self.out_indices is not None:
            return {}
        if not self.latent_depth:
            return {'feature': c5}
        channels = dict(zip(EXITS, (c3, c4, c5, c5 + c4), strict=True))
        return {name: channels[name] for name in exits}

    def _build_latent_branch(
        self,
        num_latents: int,
        depth_factor: Sequence[float],
        latent_grid: int,
        with_x2z: bool,
        with_dwc: bool,
        with_token_mixer: bool,
    ) -> None:
        """Build its first ``latent_depth`` stages."""
        *widths, c5 = self.feature_branch.channels
        depth = self.latent_depth
        self.latent = nn.Parameter(
            torch.empty(num_latents, widths[0]).normal_(std=0.02).clamp_(-2, 2)
        )
        self.x2z = nn.ModuleList(
            ImageToLatent(c, latent_grid, with_dwc) if i == 0 or with_x2z else None
            for i, c in enumerate(widths[:depth])
        )
        self.self_attention = nn.ModuleList(
            nn.Sequential(
                *(SelfAttentionLayer(c, heads) for _ in range(max(1, round(layers * factor))))
            )
            for c, heads, layers, factor in zip(
                widths[:depth],
                _SELF_ATTENTION_HEADS[:depth],
                SELF_ATTENTION_LAYERS[:depth],
                depth_factor[:depth],
                strict=True,
            )
        )
        # Entry i of the next two stands behind the CNN's stage i + 1.
        between = range(min(depth, NUM_STAGES - 1))
        self.mixers = nn.ModuleList(
            LatentMixer(
                num_latents // 2**i if with_token_mixer else num_latents,
                widths[i],
                widths[i + 1],
                with_token_mixer,
            )
            for i in between
        )
        self.z2x = nn.ModuleList(
            LatentToImage(widths[i + 1], widths[i + 1]) if self.with_z2x else None for i in between
        )
        has_last = self.with_last_z2x and depth == NUM_STAGES
        self.last_z2x = LatentToImage(c5, widths[-1]) if has_last else None

    def train(self, mode: bool = True) -> nn.Module:
        """See `nn.Module.train`; what `keep_fixed` keeps fixed stays so."""
        super().train(mode)
        keep_fixed(self)
        return self

    def forward(self, images: Tensor) -> tuple[Tensor, ...]:
        """The feature of every exit, or the maps in ``out_indices``."""
        if self.out_indices is None:
            return super().forward(images)
        return feature_maps(self, images)

    def start(self, images: Tensor) -> State:
        """The stem's features ``x`` (B, C1, H', W').

        Features are kept channels-last from here on: pixels are then tokens without a copy.

        The latent code joins them in the first step, see `initial_latent`.
        """
        check_images(images)
        check_whole_clips(images, self.num_segments)
        images = images.contiguous(memory_format=self.memory_format)
        return {'x': self.feature_branch.stem(images)}

    def initial_latent(self, images: int) -> Tensor | None:
        """The latent code before it has read anything; None without a latent branch.

        It is the same for all images, so that (1, L, C1) will do: it is then normalised and
        projected once. In the published form it is (images, L, C1).
        """
        if not self.latent_depth:
            return None
        return self.latent.expand(1 if self.takes_shortcut else images, -1, -1)

    def step(self, k: int, state: State) -> tuple[State, Tensor]:
        """See `ExitBackbone.step`."""
        begin = EXITS.index(self.exit_names[k - 1]) + 1 if k else 0
        end = EXITS.index(self.exit_names[k]) + 1
        x, z = state['x'], state.get('z')
        for exit_name in EXITS[begin:end]:
            x, z = self._advance(exit_name, x, z)
        state = {'x': x} if z is None else {'x': x, 'z': z}
        return state, self._feature(self.exit_names[k], x, z)

    def _advance(self, exit_name: str, x: Tensor, z: Tensor | None) -> tuple[Tensor, Tensor | None]:
        """Run what lies between the exit before ``exit_name`` in `EXITS` and ``exit_name``."""
        stages = self.feature_branch.stages
        if exit_name == 'early':
            z = self.read_features(0, x, self.initial_latent(x.shape[0]))
            for i in range(2):
                x, z = self._exchange(i, stages[i](x), z)
            return x, z
        if exit_name == 'latent':
            return self._exchange(2, stages[2](x), z)
        if exit_name == 'feature':
            return stages[3](x), z
        return self.fuse(3, x, z)

    def _exchange(self, i: int, x: Tensor, z: Tensor | None) -> tuple[Tensor, Tensor | None]:
        """All the latent branch does between the CNN's stages ``i + 1`` and ``i + 2``."""
        x, z = self.fuse(i, x, z)
        return x, self.read_features(i + 1, x, z)

    def read_features(self, i: int, x: Tensor, z: Tensor | None) -> Tensor | None:
        """The latent code of stage ``i + 1`` after X2Z and self-attention."""
        if z is None:
            return z
        if self.x2z[i] is not None:
            z = self.x2z[i](z, x)
        return self.self_attention[i](z)

    def fuse(self, i: int, x: Tensor, z: Tensor | None) -> tuple[Tensor, Tensor | None]:
        """Features behind the CNN's stage ``i + 1`` after Z2X, and the latent code mixed for it."""
        if z is None:
            return x, z
        if i == NUM_STAGES - 1:
            z2x = self.last_z2x
        else:
            z, z2x = self.mixers[i](z), self.z2x[i]
        return (x if z2x is None else z2x(x, z)), z

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


def _check_attention_heads(width: float, channels: tuple[int, ...]) -> None:
    if any(c % heads for c, heads in zip(channels, _SELF_ATTENTION_HEADS, strict=True)):
        raise UserError(
            f'width={width} makes the stages {channels} channels wide, which '
            f'{_SELF_ATTENTION_HEADS} attention heads do not divide; the nearest width that '
            f'fits is {max(4, round(32 * width)) / 32:g}'
        )
