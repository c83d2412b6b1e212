"""Temporal shift: some channels of a frame come from the frame after it, some from the one before.

Paper: "TSM: Temporal Shift Module for Efficient Video Understanding", arXiv 1811.08383 (ICCV 2019).
The frames of a clip lie one behind the other in the batch. Moving data costs no multiply-adds.
"""

from typing import Any

import torch
from torch import Tensor, nn
from torchvision.models.mobilenetv3 import InvertedResidual
from torchvision.models.regnet import ResBottleneckBlock
from torchvision.models.resnet import BasicBlock, Bottleneck

from ..errors import UserError


def temporal_shift(x: Tensor, num_segments: int, shift_div: int) -> Tensor:
    """Shift channels between neighbouring frames of a clip (paper section 3.1).

    The first ``C // shift_div`` channels of a frame become those of the next frame, as many after
    them those of the previous frame; the others stay. Beyond the ends of a clip there are zeros.

    Args:
        x: (B, ..., C), channels last; B is a multiple of ``num_segments``.
        num_segments: Frames of a clip.
        shift_div: Share of the channels that moves in each direction, as its inverse.

    Returns:
        A new tensor of the same shape.
    """
    fold = x.shape[-1] // shift_div
    clips = x.unflatten(0, (-1, num_segments))  # (N, T, ..., C)
    later, earlier, kept = clips.split([fold, fold, x.shape[-1] - 2 * fold], -1)
    nothing = torch.zeros_like(later[:, :1])
    later = torch.cat([later[:, 1:], nothing], 1)
    earlier = torch.cat([nothing, earlier[:, :-1]], 1)
    return torch.cat([later, earlier, kept], -1).flatten(0, 1)


class TemporalShiftConv2d(nn.Conv2d):
    """A convolution whose input is shifted in time first; its weights keep their names.

    Args:
        convolution: Whose settings and weights are taken over.
        num_segments: Frames of a clip.
        shift_div: See `temporal_shift`.

    Raises:
        UserError: There are fewer than ``shift_div`` channels, so that none would move.
    """

    def __init__(self, convolution: nn.Conv2d, num_segments: int, shift_div: int):
        _check_some_move(convolution.in_channels, shift_div)
        super().__init__(
            convolution.in_channels,
            convolution.out_channels,
            convolution.kernel_size,
            convolution.stride,
            convolution.padding,
            convolution.dilation,
            convolution.groups,
            bias=convolution.bias is not None,
        )
        self.weight, self.bias = convolution.weight, convolution.bias
        self.num_segments = num_segments
        self.shift_div = shift_div

    def forward(self, x: Tensor) -> Tensor:
        """x (B, C, H, W), the frames of a clip one behind the other."""
        shifted = temporal_shift(x.movedim(1, -1), self.num_segments, self.shift_div)
        return super().forward(shifted.movedim(-1, 1))


class TemporalShiftNorm(nn.LayerNorm):
    """A layer norm whose output is shifted in time; its weights keep their names.

    Args:
        norm: Whose settings and weights are taken over.
        num_segments: Frames of a clip.
        shift_div: See `temporal_shift`.

    Raises:
        UserError: There are fewer than ``shift_div`` channels, so that none would move.
    """

    def __init__(self, norm: nn.LayerNorm, num_segments: int, shift_div: int):
        _check_some_move(norm.normalized_shape[-1], shift_div)
        super().__init__(norm.normalized_shape, norm.eps)
        self.weight, self.bias = norm.weight, norm.bias
        self.num_segments = num_segments
        self.shift_div = shift_div

    def forward(self, x: Tensor) -> Tensor:
        """x (B, L, C), the frames of a clip one behind the other."""
        return temporal_shift(super().forward(x), self.num_segments, self.shift_div)


def shift_residual_blocks(network: nn.Module, num_segments: int, shift_div: int) -> None:
    """Shift before the first convolution of every residual block of torchvision's CNNs.

    The shortcut around it still sees the unshifted frame ("residual shift", paper section 3.2).
    MobileNet's blocks without a shortcut are left as they are.

    Args:
        network: Of ResNet, RegNet or MobileNet-v3 blocks; it is changed.
        num_segments: Frames of a clip.
        shift_div: See `temporal_shift`.

    Raises:
        UserError: A block has fewer than ``shift_div`` channels, so that none would move.
    """
    for block in network.modules():
        match block:
            case BasicBlock() | Bottleneck():
                holder, name = block, 'conv1'
            case ResBottleneckBlock():
                holder, name = block.f.a, '0'
            case InvertedResidual(use_res_connect=True):
                holder, name = block.block[0], '0'
            case _:
                continue
        shifted = TemporalShiftConv2d(getattr(holder, name), num_segments, shift_div)
        setattr(holder, name, shifted)


def _check_some_move(channels: int, shift_div: int) -> None:
    if channels < shift_div:
        raise UserError(
            f'shift_div={shift_div}: a block has only {channels} channels, of which none would '
            'move; give at most that'
        )


def check_segments(num_segments: Any, shift_div: Any) -> None:
    """Refuse numbers of frames and shares that cannot be.

    Raises:
        UserError: They are no whole numbers, no frame at all, or more than half of the channels
            would move in each direction.
    """
    for name, value, least in (('num_segments', num_segments, 1), ('shift_div', shift_div, 2)):
        if not isinstance(value, int) or isinstance(value, bool) or value < least:
            raise UserError(f'{name}={value!r}: give a whole number of at least {least}')


def check_whole_clips(images: Tensor, num_segments: int) -> None:
    """Refuse a batch that does not hold all frames of every clip.

    Raises:
        UserError: The number of images is no multiple of the frames of a clip.
    """
    if images.shape[0] % num_segments:
        raise UserError(
            f'{images.shape[0]} images are no whole number of clips of num_segments={num_segments} '
            'frames: give all frames of every clip, one clip behind the other'
        )
