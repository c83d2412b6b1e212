"""Attention layers with fewer products, for inference; the same results up to rounding.

Matrix products are associative, and weights that stand still can be multiplied beforehand:

- Self-attention: the projections to q, k and v read the same tokens and are one product.
- One head: (q Wq)(k Wk)^T = q (k Wk Wq^T)^T. The queries need no projection where the keys have
  both; and a (v Wv) Wo = a (v Wv Wo), so that nothing is left to project behind the attention.
  X2Z, as wide on both sides, has Wk Wq^T and Wv Wo as one matrix each, made beforehand. Z2X is
  narrow inside; there it pays where pixels are few beside tokens and channels, in the last stages.
- Behind the last Z2X only the mean over all pixels is read, and the last layer of its MLP is
  linear: it is given the mean, one token instead of one for every pixel.
- The scale and shift of a layer norm go into what multiplies next (`folding`). A shift of the
  values passes through the attention unchanged, as its weights add up to 1.
"""

from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from .attention import CrossAttentionLayer, Mlp, SelfAttentionLayer
from .folding import fold_into_next, is_plain, without_affine
from .latent_branch import ImageToLatent, LatentToImage


class MergedSelfAttentionLayer(nn.Module):
    """A `SelfAttentionLayer` with one projection to q, k and v."""

    def __init__(self, layer: SelfAttentionLayer):
        super().__init__()
        attention = layer.attention
        self.num_heads = attention.num_heads
        self.norm = layer.norm
        self.qkv_proj = _linear(
            torch.cat(
                [one.weight for one in (attention.q_proj, attention.k_proj, attention.v_proj)]
            )
        )
        if is_plain(layer.norm, nn.LayerNorm):  # one that shifts in time has zeros behind it
            fold_into_next(layer.norm, self.qkv_proj)
            self.norm = without_affine(layer.norm)
        self.out_proj = attention.out_proj
        self.mlp = folded_mlp(layer.mlp)

    def forward(self, x: Tensor) -> Tensor:
        """(B, L, C) -> (B, L, C)."""
        qkv = self.qkv_proj(self.norm(x)).chunk(3, -1)
        q, k, v = (one.unflatten(-1, (self.num_heads, -1)).transpose(1, 2) for one in qkv)
        mixed = F.scaled_dot_product_attention(q, k, v)  # (B, heads, L, d)
        x = x + self.out_proj(mixed.transpose(1, 2).flatten(2))
        return x + self.mlp(x)


class MergedImageToLatent(ImageToLatent):
    """X2Z without projections of the latent code, and with kernels that are made once.

    Its keys are k Wk Wq^T and its values v Wv Wo, each by one matrix.
    """

    def __init__(self, x2z: ImageToLatent):
        nn.Module.__init__(self)
        self.dwconv, self.pool, self.grid = x2z.dwconv, x2z.pool, x2z.grid
        self.takes_shortcut = x2z.takes_shortcut
        self.cross_attention = _KeysAndValuesOnly(x2z.cross_attention)
        self._kernels: dict[tuple[int, int], Tensor] = {}

    def _apply(self, *arguments: Any, **settings: Any) -> nn.Module:
        """See `nn.Module._apply`: weights get another type or place, and kernels are made anew."""
        self._kernels = {}
        return super()._apply(*arguments, **settings)

    def kernel(self, strides: tuple[int, int]) -> Tensor:
        """See `ImageToLatent.kernel`."""
        kernel = self._kernels.get(strides)
        if kernel is None:
            kernel = super().kernel(strides)
            if not torch.compiler.is_compiling():  # a tracer's tensors are no real ones
                self._kernels[strides] = kernel
        return kernel


class _KeysAndValuesOnly(nn.Module):
    """A `CrossAttentionLayer` of one head, of which only keys and values are projected."""

    def __init__(self, layer: CrossAttentionLayer):
        super().__init__()
        attention = layer.attention
        q, k, v, out = (
            one.weight.double()
            for one in (attention.q_proj, attention.k_proj, attention.v_proj, attention.out_proj)
        )
        self.scale = len(q) ** -0.5
        self.q_norm = layer.q_norm
        projection = _linear(torch.cat([q.T @ k, out @ v]), bias=True)
        projection.bias[len(q.T) :] = attention.out_proj.bias
        fold_into_next(layer.kv_norm, projection)
        self.kv_proj = projection.to(layer.q_norm.weight.dtype)
        self.kv_norm = without_affine(layer.kv_norm)
        self.register_buffer(
            'position_bias',
            (attention.position_bias.double() @ q).to(layer.q_norm.weight.dtype),
            persistent=False,
        )
        self.mlp = folded_mlp(layer.mlp)

    def forward(self, q: Tensor, kv: Tensor) -> Tensor:
        """q (B, Lq, Cq), or the same (1, Lq, Cq) for all, reads kv (B, Lkv, Ckv): (B, Lq, Cq)."""
        k, v = self.kv_proj(self.kv_norm(kv)).chunk(2, -1)
        q = q + _one_head(self.q_norm(q), k + self.position_bias, v, self.scale)
        return q + self.mlp(q)


class MergedLatentToImage(nn.Module):
    """Z2X that multiplies in the order that is cheaper for the number of pixels.

    Args:
        z2x: Its weights are taken over.
        pools: Whether the mean over all pixels is returned.
    """

    def __init__(self, z2x: LatentToImage, pools: bool = False):
        super().__init__()
        layer = z2x.cross_attention
        attention = layer.attention
        self.pools = pools
        self.q_norm, self.q_proj, self.out_proj = (
            layer.q_norm,
            attention.q_proj,
            attention.out_proj,
        )
        self.kv_proj = _linear(torch.cat([attention.k_proj.weight, attention.v_proj.weight]))
        fold_into_next(layer.kv_norm, self.kv_proj)
        self.kv_norm = without_affine(layer.kv_norm)
        self.mlp = folded_mlp(layer.mlp)

    def forward(self, x: Tensor, z: Tensor) -> Tensor:
        """x (B, C, H, W) reads z (B, L, Cz); returns (B, C, H, W), or (B, C, 1, 1) if it pools."""
        pixels = x.flatten(2).transpose(1, 2)  # (B, H*W, C)
        k, v = self.kv_proj(self.kv_norm(z)).chunk(2, -1)  # (B, L, C / 8)
        q = self.q_norm(pixels)
        scale = k.shape[-1] ** -0.5
        if self._moves_projections(pixels.shape[1], z.shape[1]):
            read = _one_head(q, k @ self.q_proj.weight, self.out_proj(v), scale)
        else:
            read = self.out_proj(_one_head(self.q_proj(q), k, v, scale))
        pixels = pixels + read
        if self.pools:
            hidden = self.mlp.hidden(pixels).mean(1, keepdim=True)
            pixels = pixels.mean(1, keepdim=True) + self.mlp.fc2(hidden)
            return pixels.transpose(1, 2).unsqueeze(-1)
        return (pixels + self.mlp(pixels)).transpose(1, 2).unflatten(2, x.shape[2:])

    def _moves_projections(self, pixels: int, tokens: int) -> bool:
        """Whether keys and values are to take over the projections of queries and output."""
        width, channels = self.q_proj.weight.shape
        projected = pixels * width * (channels + tokens)
        moved = tokens * channels * (width + pixels)
        return moved < projected


def folded_mlp(mlp: Mlp) -> Mlp:
    """The MLP itself, its first layer with the scale and shift of its norm."""
    fold_into_next(mlp.norm, mlp.fc1)
    mlp.norm = without_affine(mlp.norm)
    return mlp


def _one_head(q: Tensor, k: Tensor, v: Tensor, scale: float) -> Tensor:
    """softmax(scale * q k^T) v for (B, L, C) each; q may be the same (1, L, C) for all."""
    q, k, v = (one.unsqueeze(1) for one in (q, k, v))  # (B, heads, L, C)
    q = q.expand(k.shape[0], -1, -1, -1)
    return F.scaled_dot_product_attention(q, k, v, scale=scale).squeeze(1)


def _linear(weight: Tensor, bias: bool = False) -> nn.Linear:
    """A linear layer with this weight, and perhaps a bias of zeros."""
    rows, columns = weight.shape
    layer = nn.Linear(columns, rows, bias=bias, device=weight.device, dtype=weight.dtype)
    layer.requires_grad_(False)
    layer.weight.copy_(weight)
    if bias:
        layer.bias.zero_()
    return layer
