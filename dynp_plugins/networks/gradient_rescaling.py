"""Scaling a gradient without touching the value it belongs to."""

import torch
from torch import Tensor


class _ScaleGradient(torch.autograd.Function):
    @staticmethod
    def forward(ctx, value: Tensor, factor: float) -> Tensor:
        ctx.factor = factor
        return value.view_as(value)

    @staticmethod
    def backward(ctx, gradient: Tensor) -> tuple[Tensor, None]:
        return gradient * ctx.factor, None


def scale_gradient(value: Tensor, factor: float) -> Tensor:
    """``value`` itself; what flows back through it is multiplied by ``factor``."""
    return _ScaleGradient.apply(value, factor)
