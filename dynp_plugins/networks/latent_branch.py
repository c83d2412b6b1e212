"""What the latent branch of Dyn-Perceiver is made of: X2Z, Z2X and the mixers between stages.

Paper: "Dynamic Perceiver for Efficient Visual Recognition", arXiv 2306.11248 (ICCV 2023), section
3.2.
"""

from torch import Tensor, nn

from .attention import CrossAttentionLayer

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
