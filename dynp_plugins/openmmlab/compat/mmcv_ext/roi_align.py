"""RoIAlign as ``mmcv._ext`` names it, by torchvision."""

import torch
import torchvision
from torch import Tensor

from .needs_compiled import needs_compiled_mmcv
from .precision import compute_type

AVERAGE = 1  # the compiled op's number for pool_mode 'avg'; 'max' is 0


def roi_align_forward(
    input: Tensor,
    rois: Tensor,
    output: Tensor,
    argmax_y: Tensor,
    argmax_x: Tensor,
    aligned_height: int,
    aligned_width: int,
    spatial_scale: float,
    sampling_ratio: int,
    pool_mode: int,
    aligned: bool,
) -> None:
    """Average-pool regions of `input` by RoIAlign (He et al., 2017, sec. 3) into `output`.

    Args:
        input: (B, C, H, W).
        rois: (K, 5) as index into the batch, x1, y1, x2, y2 in pixels of the picture.
        output: (K, C, aligned_height, aligned_width), overwritten.
        argmax_y, argmax_x: used by max pooling only.
        spatial_scale: size of `input` over size of the picture.
        sampling_ratio: samples per bin and axis; 0 means as many as there are pixels.
        pool_mode: must be 1 (average).
        aligned: whether to shift by half a pixel, so that pixel centres lie at .5.

    Raises:
        UserError: for max pooling, which torchvision does not have.
    """
    _refuse_max_pooling(pool_mode)
    dtype = compute_type(input)
    size = (aligned_height, aligned_width)
    with torch.no_grad():
        pooled = torchvision.ops.roi_align(
            input.to(dtype), rois.to(dtype), size, spatial_scale, sampling_ratio, aligned
        )
        output.copy_(pooled)


def roi_align_backward(
    grad_output: Tensor,
    rois: Tensor,
    argmax_y: Tensor,
    argmax_x: Tensor,
    grad_input: Tensor,
    aligned_height: int,
    aligned_width: int,
    spatial_scale: float,
    sampling_ratio: int,
    pool_mode: int,
    aligned: bool,
) -> None:
    """Add the gradient of `roi_align_forward` with respect to its input to `grad_input`.

    Args:
        grad_output: (K, C, aligned_height, aligned_width).
        grad_input: (B, C, H, W).

    Raises:
        UserError: for max pooling.
    """
    _refuse_max_pooling(pool_mode)
    dtype = compute_type(grad_output)
    size = (aligned_height, aligned_width)
    with torch.enable_grad():
        # RoIAlign is linear in its input, so the gradient at zero is the gradient anywhere.
        zero = torch.zeros_like(grad_input, dtype=dtype, requires_grad=True)
        pooled = torchvision.ops.roi_align(
            zero, rois.to(dtype), size, spatial_scale, sampling_ratio, aligned
        )
    (grad,) = torch.autograd.grad(pooled, zero, grad_output.to(dtype))
    grad_input.add_(grad)


def _refuse_max_pooling(pool_mode: int) -> None:
    if pool_mode != AVERAGE:
        raise needs_compiled_mmcv("RoIAlign with pool_mode='max'", instead="set pool_mode='avg'")
