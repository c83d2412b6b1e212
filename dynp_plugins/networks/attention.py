"""Pre-norm attention layers of the latent branch, in the Perceiver family's form.

Paper: "Dynamic Perceiver for Efficient Visual Recognition", arXiv 2306.11248, section 3.2; the
layers follow "Perceiver IO", arXiv 2107.14795. Every layer is residual attention followed by a
residual MLP, without dropout. Attention runs in `scaled_dot_product_attention`.
"""

import torch
from torch import Tensor, nn
from torch.nn import functional as F


def init_linear_layers(module: nn.Module) -> None:
    """Truncated normal weights of deviation 0.02 and zero biases, the custom of transformers."""
    for layer in module.modules():
        if isinstance(layer, nn.Linear):
            nn.init.trunc_normal_(layer.weight, std=0.02)
            if layer.bias is not None:
                nn.init.zeros_(layer.bias)


class MultiHeadAttention(nn.Module):
    """softmax(q k^T / sqrt(d)) v with separate widths for q/k/v and output.

    Projections to q, k and v have no bias, the output projection has one.

    Args:
        q_channels: Width of the query tokens and of the output.
        kv_channels: Width of the key/value tokens.
        qkv_channels: Width all heads together work in.
        num_heads: Must divide ``qkv_channels``.
        num_positions: If given, a learned bias of shape (1, num_positions, qkv_channels) is added
            to the keys after their projection; the key/value sequence then has that length.
    """

    def __init__(
        self,
        q_channels: int,
        kv_channels: int,
        qkv_channels: int,
        num_heads: int = 1,
        num_positions: int | None = None,
    ):
        super().__init__()
        if qkv_channels % num_heads:
            raise ValueError(f'{num_heads} heads do not divide {qkv_channels} channels')
        self.num_heads = num_heads
        self.q_proj = nn.Linear(q_channels, qkv_channels, bias=False)
        self.k_proj = nn.Linear(kv_channels, qkv_channels, bias=False)
        self.v_proj = nn.Linear(kv_channels, qkv_channels, bias=False)
        self.out_proj = nn.Linear(qkv_channels, q_channels)
        if num_positions is None:
            self.position_bias = None
        else:
            self.position_bias = nn.Parameter(torch.zeros(1, num_positions, qkv_channels))

    def _split_heads(self, tokens: Tensor) -> Tensor:
        return tokens.unflatten(-1, (self.num_heads, -1)).transpose(1, 2)  # (B, heads, L, d)

    def forward(self, q: Tensor, kv: Tensor) -> Tensor:
        """q (B, Lq, Cq), or (1, Lq, Cq), attends to kv (B, Lkv, Ckv); returns (B, Lq, Cq)."""
        k = self.k_proj(kv)
        if self.position_bias is not None:
            k = k + self.position_bias
        mixed = F.scaled_dot_product_attention(
            self._split_heads(self.q_proj(q)).expand(kv.shape[0], -1, -1, -1),
            self._split_heads(k),
            self._split_heads(self.v_proj(kv)),
        )  # (B, heads, Lq, d)
        return self.out_proj(mixed.transpose(1, 2).flatten(2))


class Mlp(nn.Module):
    """LayerNorm, Linear to ``ratio`` times the width, GELU, Linear back."""

    def __init__(self, channels: int, ratio: int):
        super().__init__()
        self.norm = nn.LayerNorm(channels)
        self.fc1 = nn.Linear(channels, ratio * channels)
        self.fc2 = nn.Linear(ratio * channels, channels)

    def forward(self, x: Tensor) -> Tensor:
        """(B, L, C) -> (B, L, C)."""
        return self.fc2(self.hidden(x))

    def hidden(self, x: Tensor) -> Tensor:
        """(B, L, C) -> (B, L, ratio * C), what the last layer reads."""
        return F.gelu(self.fc1(self.norm(x)))


class SelfAttentionLayer(nn.Module):
    """Residual multi-head self-attention, then a residual MLP of ratio 4."""

    def __init__(self, channels: int, num_heads: int, mlp_ratio: int = 4):
        super().__init__()
        self.norm = nn.LayerNorm(channels)
        self.attention = MultiHeadAttention(channels, channels, channels, num_heads)
        self.mlp = Mlp(channels, mlp_ratio)

    def forward(self, x: Tensor) -> Tensor:
        """(B, L, C) -> (B, L, C)."""
        normed = self.norm(x)
        x = x + self.attention(normed, normed)
        return x + self.mlp(x)


class CrossAttentionLayer(nn.Module):
    """Residual single-head cross-attention, then a residual MLP of ratio 1.

    Args: as in `MultiHeadAttention`.
    """

    def __init__(
        self,
        q_channels: int,
        kv_channels: int,
        qkv_channels: int,
        num_positions: int | None = None,
    ):
        super().__init__()
        self.q_norm = nn.LayerNorm(q_channels)
        self.kv_norm = nn.LayerNorm(kv_channels)
        self.attention = MultiHeadAttention(
            q_channels, kv_channels, qkv_channels, num_positions=num_positions
        )
        self.mlp = Mlp(q_channels, ratio=1)

    def forward(self, q: Tensor, kv: Tensor) -> Tensor:
        """q (B, Lq, Cq), or the same (1, Lq, Cq) for all, reads kv (B, Lkv, Ckv): (B, Lq, Cq)."""
        q = q + self.attention(self.q_norm(q), self.kv_norm(kv))
        return q + self.mlp(q)
