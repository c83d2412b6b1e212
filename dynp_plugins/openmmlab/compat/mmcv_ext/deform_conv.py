"""Deformable convolution v2 (Zhu et al., 2019) as ``mmcv._ext`` names it, by torchvision."""

import torch
import torchvision
from torch import Tensor

from .precision import compute_type


def modulated_deform_conv_forward(
    input: Tensor,
    weight: Tensor,
    bias: Tensor,
    ones: Tensor,
    offset: Tensor,
    mask: Tensor,
    output: Tensor,
    columns: Tensor,
    with_bias: bool,
    **geometry: int,
) -> None:
    """Convolve `input` at shifted and weighted positions into `output`.

    Args:
        input: (B, C, H, W).
        weight: (C', C / group, kernel_h, kernel_w).
        bias: (C',); not read unless `with_bias`.
        ones, columns: scratch space of the compiled op, not used.
        offset: (B, 2 * deformable_group * kernel_h * kernel_w, H', W'), y before x, in pixels.
        mask: (B, deformable_group * kernel_h * kernel_w, H', W').
        output: (B, C', H', W'), overwritten.
        geometry: ``stride_h`` and ``_w``, ``pad_``, ``dilation_``; the rest of what mmcv passes
            (kernel size, numbers of groups) follows from the shapes.
    """
    dtype = compute_type(input)
    tensors = [t.to(dtype) for t in (input, offset, mask, weight, bias)]
    with torch.no_grad():
        output.copy_(_convolve(*tensors, with_bias, geometry))


def modulated_deform_conv_backward(
    input: Tensor,
    weight: Tensor,
    bias: Tensor,
    ones: Tensor,
    offset: Tensor,
    mask: Tensor,
    columns: Tensor,
    grad_input: Tensor,
    grad_weight: Tensor,
    grad_bias: Tensor,
    grad_offset: Tensor,
    grad_mask: Tensor,
    grad_output: Tensor,
    with_bias: bool,
    **geometry: int,
) -> None:
    """Add the gradients of `modulated_deform_conv_forward` to the five ``grad_`` tensors.

    `grad_output` is (B, C', H', W'); `grad_bias` is left alone unless `with_bias`.
    """
    dtype = compute_type(input)
    tensors = (input, offset, mask, weight, bias)
    totals = (grad_input, grad_offset, grad_mask, grad_weight, grad_bias)
    leaves = [t.detach().to(dtype).requires_grad_() for t in tensors]
    with torch.enable_grad():
        output = _convolve(*leaves, with_bias, geometry)
    grads = torch.autograd.grad(output, leaves, grad_output.to(dtype), allow_unused=True)
    for total, grad in zip(totals, grads, strict=True):
        if grad is not None:  # the bias, where there is none
            total.add_(grad)


def _convolve(
    input: Tensor,
    offset: Tensor,
    mask: Tensor,
    weight: Tensor,
    bias: Tensor,
    with_bias: bool,
    geometry: dict[str, int],
) -> Tensor:
    stride, padding, dilation = (
        (geometry[f'{name}_h'], geometry[f'{name}_w']) for name in ('stride', 'pad', 'dilation')
    )
    bias = bias if with_bias else None
    return torchvision.ops.deform_conv2d(
        input, offset, weight, bias, stride, padding, dilation, mask
    )
