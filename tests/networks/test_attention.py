"""Attention layers against the formula written out."""

import pytest
import torch

from dynp_plugins.networks.attention import (
    CrossAttentionLayer,
    MultiHeadAttention,
    SelfAttentionLayer,
)


def softmax_attention(q, k, v, heads):
    """softmax(q k^T * (C / heads)^-0.5) v, head by head."""
    width = q.shape[-1] // heads
    outputs = []
    for h in range(heads):
        part = slice(h * width, (h + 1) * width)
        weights = (q[..., part] @ k[..., part].transpose(1, 2) * width**-0.5).softmax(-1)
        outputs.append(weights @ v[..., part])
    return torch.cat(outputs, -1)


@pytest.mark.parametrize('heads', [1, 4])
def test_attention_equals_the_formula(heads):
    torch.manual_seed(0)
    attention = MultiHeadAttention(12, 20, 8, heads, num_positions=7)
    torch.nn.init.normal_(attention.position_bias)
    q, kv = torch.randn(2, 5, 12), torch.randn(2, 7, 20)
    expected = attention.out_proj(
        softmax_attention(
            attention.q_proj(q),
            attention.k_proj(kv) + attention.position_bias,
            attention.v_proj(kv),
            heads,
        )
    )
    torch.testing.assert_close(attention(q, kv), expected)


def test_projections_have_bias_only_at_the_output():
    attention = MultiHeadAttention(8, 8, 8)
    assert attention.q_proj.bias is None
    assert attention.k_proj.bias is None
    assert attention.v_proj.bias is None
    assert attention.out_proj.bias is not None


def test_heads_must_divide_the_channels():
    with pytest.raises(ValueError, match='3 heads do not divide 8 channels'):
        MultiHeadAttention(8, 8, 8, num_heads=3)


def test_layers_are_residual():
    """With all output projections at zero a layer changes nothing."""
    x, kv = torch.randn(2, 5, 8), torch.randn(2, 6, 16)
    for layer, inputs in (
        (SelfAttentionLayer(8, 2), (x,)),
        (CrossAttentionLayer(8, 16, 4), (x, kv)),
    ):
        for linear in (layer.attention.out_proj, layer.mlp.fc2):
            torch.nn.init.zeros_(linear.weight)
            torch.nn.init.zeros_(linear.bias)
        assert torch.equal(layer(*inputs), x)


def test_mlp_ratios():
    assert SelfAttentionLayer(8, 2).mlp.fc1.out_features == 32
    assert CrossAttentionLayer(8, 16, 4).mlp.fc1.out_features == 8
