"""What the latent branch of Dyn-Perceiver is made of: X2Z, Z2X and the mixers between stages.

Paper: "Dynamic Perceiver for Efficient Visual Recognition", arXiv 2306.11248 (ICCV 2023), section
3.2.
"""

from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from .attention import CrossAttentionLayer
from .shortcuts import Shortcut

_Z2X_REDUCTION = 8


class ImageToLatent(Shortcut, nn.Module):
    """X2Z: the latent code reads the image features (paper section 3.2).

    The features pass a residual depth-wise 7x7 convolution and are pooled to a fixed grid, so
    that the cost of the attention hardly depends on the image size.

    Convolution, residual and pooling are linear, and nothing lies between them: where the grid
    divides the features into equal cells, they run as one strided convolution, which gives the
    same up to rounding, and the convolved features never exist. See `pooled_kernel`.

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
        self.grid = grid
        self.cross_attention = CrossAttentionLayer(
            channels, channels, channels, num_positions=grid * grid
        )

    def forward(self, z: Tensor, x: Tensor) -> Tensor:
        """z (B, L, C) reads x (B, C, H, W); returns (B, L, C)."""
        return self.cross_attention(z, self.read(x).flatten(2).transpose(1, 2))

    def read(self, x: Tensor) -> Tensor:
        """The features (B, C, H, W) convolved and pooled: (B, C, grid, grid)."""
        if self.dwconv is None:
            return self.pool(x)
        strides = pooling_strides(x.shape[2:], self.grid)
        if strides is None or not self.takes_shortcut:
            return self.pool(self.dwconv(x) + x)
        if x.is_meta or not torch.is_autocast_enabled(x.device.type):
            return self._read_at_once(x, strides)
        with torch.autocast(x.device.type, enabled=False):
            return self._read_at_once(x, strides)

    def _read_at_once(self, x: Tensor, strides: tuple[int, int]) -> Tensor:
        """`read` as one convolution, in float32 at least.

        Beside the residual's 1, half precision would round away most of a weight, and gradients of
        wide kernels take several times as long in it on a CPU.
        """
        kernel = self.kernel(strides)
        bias = self.dwconv.bias.to(kernel.dtype)
        read = F.conv2d(x.to(kernel.dtype), kernel, bias, strides, padding=3, groups=len(kernel))
        return read.to(self.dwconv.bias.dtype)

    def kernel(self, strides: tuple[int, int]) -> Tensor:
        """The `pooled_kernel` for cells of this size, in float32 at least."""
        weight = self.dwconv.weight
        return pooled_kernel(weight.to(torch.promote_types(weight.dtype, torch.float32)), strides)


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


def pooling_strides(size: Sequence[int], grid: int) -> tuple[int, int] | None:
    """Height and width of the cells between features of ``size`` and ``grid``, if all are equal."""
    height, width = map(int, size)  # a tracer's sizes are tensors
    return None if height % grid or width % grid else (height // grid, width // grid)


def pooled_kernel(weight: Tensor, strides: tuple[int, int]) -> Tensor:
    """A residual depth-wise convolution and the average pooling behind it, as one kernel.

    With the convolution's kernel w of odd side k, y = w * x + x = (w + 1 at its centre) * x. The
    mean of y over a cell of s x s pixels is a sum over x, too: each offset in the cell moves the
    kernel by as much, and the mean of all moved kernels has side k + s - 1. Applied with stride s
    and the padding of w, it meets every cell once: 1 / s^2 as many positions as before, each
    ((k + s - 1) / k)^2 times as expensive. For k = 7 and s = 16, as in stage 1 of a network for
    images of 224 pixels, this is 26 times cheaper.

    Args:
        weight: (C, 1, k, k) of the depth-wise convolution.
        strides: Height and width of the cells.

    Returns:
        (C, 1, k + height - 1, k + width - 1); gradients flow through it to ``weight``.
    """
    height, width = strides
    k = weight.shape[-1]
    centre = torch.ones(1, 1, 1, 1, dtype=weight.dtype, device=weight.device)
    weight = weight + F.pad(centre, (k // 2,) * 4)
    return _moved_by(weight, k, height).transpose(-2, -1) @ weight @ _moved_by(weight, k, width)


def _moved_by(like: Tensor, k: int, count: int) -> Tensor:
    """(k, k + count - 1): row i has ``count`` entries of 1 / count from column i on, else zeros."""
    row = torch.zeros(k + count, dtype=like.dtype, device=like.device)
    row[:count] = 1 / count
    return row.repeat(k)[: k * (k + count - 1)].unflatten(0, (k, k + count - 1))
