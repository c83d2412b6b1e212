"""Normalisation that is part of the linear layer beside it, once the statistics stand still.

In eval mode a batch norm multiplies every channel by a number and adds one; a layer norm does so
with what it has normalised. A convolution or linear layer right before or behind takes both into
its own weights and bias. All is worked out in double precision, and results are the same up to
rounding.
"""

import torch
from torch import Tensor, nn
from torch.nn.modules.batchnorm import _BatchNorm


def fold_into_convolution(convolution: nn.Conv2d, norm: nn.BatchNorm2d) -> None:
    """Give a convolution the batch norm that follows it: W' = g W, b' = g b + s per channel out."""
    scale, shift = scale_and_shift(norm)
    weight = convolution.weight.double() * scale[:, None, None, None]
    bias = shift if convolution.bias is None else shift + scale * convolution.bias.double()
    _set(convolution, weight, bias)


def fold_into_linear(linear: nn.Linear, norm: nn.BatchNorm1d) -> None:
    """Give a linear layer the batch norm that follows it: W' = g W, b' = g b + s per row."""
    scale, shift = scale_and_shift(norm)
    bias = shift if linear.bias is None else shift + scale * linear.bias.double()
    _set(linear, linear.weight.double() * scale[:, None], bias)


def fold_into_next(norm: nn.LayerNorm | nn.BatchNorm1d, linear: nn.Linear) -> None:
    """Give a linear layer the scale and shift of the norm before it: W' = W g, b' = W s + b.

    They are to be taken from the norm, see `without_affine`.
    """
    scale, shift = scale_and_shift(norm)
    weight = linear.weight.double()
    bias = weight @ shift
    if linear.bias is not None:
        bias = bias + linear.bias.double()
    _set(linear, weight * scale, bias)


def scale_and_shift(norm: nn.LayerNorm | _BatchNorm) -> tuple[Tensor, Tensor]:
    """What a norm multiplies by and adds in eval mode, (C,) each, in double precision.

    Of a layer norm it is what comes behind the normalising.
    """
    like = norm.running_mean if isinstance(norm, _BatchNorm) else norm.weight
    scale = torch.ones_like(like).double() if norm.weight is None else norm.weight.double()
    shift = torch.zeros_like(scale) if norm.bias is None else norm.bias.double()
    if isinstance(norm, _BatchNorm):
        scale = scale * (norm.running_var.double() + norm.eps).rsqrt()
        shift = shift - scale * norm.running_mean.double()
    return scale, shift


def can_be_folded(norm: nn.Module) -> bool:
    """Whether a module is a norm whose `scale_and_shift` are there.

    It is not where a batch norm keeps no statistics, where a layer norm has no weight or normalises
    several dimensions together, and for subclasses, which may do more.
    """
    if is_plain(norm, nn.BatchNorm1d, nn.BatchNorm2d):
        return norm.running_mean is not None
    return is_plain(norm, nn.LayerNorm) and norm.weight is not None and norm.weight.ndim == 1


def without_affine(norm: nn.LayerNorm) -> nn.LayerNorm:
    """A layer norm that normalises and does no more."""
    return nn.LayerNorm(norm.normalized_shape, norm.eps, elementwise_affine=False)


def is_plain(module: nn.Module, *kinds: type[nn.Module]) -> bool:
    """Whether a module is exactly of one of these types; a subclass may do more."""
    return type(module) in kinds


def _set(layer: nn.Conv2d | nn.Linear, weight: Tensor, bias: Tensor) -> None:
    like = layer.weight
    layer.weight = nn.Parameter(weight.to(like.dtype), requires_grad=False)
    layer.bias = nn.Parameter(bias.to(like.dtype), requires_grad=False)
