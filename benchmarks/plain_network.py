"""The baseline of speed-ups: a network as most people would write and run it."""

import math
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional as F

from dynp_plugins.networks import MultiExitNetwork
from dynp_plugins.networks.shortcuts import without_shortcuts


@contextmanager
def as_plain(network: MultiExitNetwork) -> Iterator[None]:
    """Run a network as published for a while, without what makes ours quick.

    That is: without shortcuts, images and weights in the order of a contiguous (B, C, H, W), and
    attention as two matrix products by ``einsum`` with a softmax between them.
    """
    backbone = network.backbone
    memory_format, attention = backbone.memory_format, F.scaled_dot_product_attention
    backbone.memory_format = torch.contiguous_format
    network.to(memory_format=torch.contiguous_format)
    F.scaled_dot_product_attention = plain_attention
    try:
        with without_shortcuts(network):
            yield
    finally:
        F.scaled_dot_product_attention = attention
        backbone.memory_format = memory_format


def plain_attention(q: Tensor, k: Tensor, v: Tensor, **settings: Any) -> Tensor:
    """softmax(q k^T / sqrt(d)) v for q (B, heads, L, d), by the textbook.

    Raises:
        ValueError: Settings that the textbook's does not have, such as a mask.
    """
    if settings:
        raise ValueError(f'plain attention has no {", ".join(settings)}')
    weights = torch.einsum('bhqd,bhkd->bhqk', q, k) / math.sqrt(q.shape[-1])
    return torch.einsum('bhqk,bhkd->bhqd', weights.softmax(-1), v)
