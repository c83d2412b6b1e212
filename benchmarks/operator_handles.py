"""What operators cost that fvcore has no count for and that do multiply.

fvcore calls a handle with an operator's inputs and outputs, as values of a traced graph, and adds
up what it returns: operations by name.
"""

import math
from collections import Counter
from typing import Any

from .fvcore_analysis import get_shape


def fused_attention_macs(inputs: list[Any], outputs: list[Any]) -> Counter[str]:
    """``_native_multi_head_attention``, which `torch.nn.MultiheadAttention` runs in inference.

    The projections to q, k and v, both products of attention, and the output projection, for
    x (B, L, D) attending to itself.
    """
    batch, length, width = get_shape(inputs[0])
    return Counter(
        linear=batch * length * 4 * width * width, attention=2 * batch * length * length * width
    )


def linear_macs(inputs: list[Any], outputs: list[Any]) -> Counter[str]:
    """``linear``, also with a weight (in,) instead of (out, in), which fvcore gets wrong."""
    x, weight = get_shape(inputs[0]), get_shape(inputs[1])
    return Counter(linear=math.prod(x) * math.prod(weight[:-1]))


def matmul_macs(inputs: list[Any], outputs: list[Any]) -> Counter[str]:
    """``matmul``, also where one factor is broadcast over a batch, which fvcore gets wrong."""
    return Counter(matmul=math.prod(get_shape(outputs[0])) * get_shape(inputs[0])[-1])


def named_padding_conv_macs(inputs: list[Any], outputs: list[Any]) -> Counter[str]:
    """``_convolution_mode``, a convolution whose padding is given by name: ``padding='same'``."""
    weight = get_shape(inputs[1])  # (out, in / groups, kernel ...)
    return Counter(conv=math.prod(get_shape(outputs[0])) * math.prod(weight[1:]))


def bicubic_ops(inputs: list[Any], outputs: list[Any]) -> Counter[str]:
    """``upsample_bicubic2d``: 16 neighbours per element; fvcore counts 4 for the bilinear one."""
    return Counter(upsample_bicubic2d=16 * math.prod(get_shape(outputs[0])))


def smoothed_bicubic_ops(inputs: list[Any], outputs: list[Any]) -> Counter[str]:
    """``_upsample_bicubic2d_aa``: where it makes images smaller, it looks at more neighbours."""
    before, after = get_shape(inputs[0]), get_shape(outputs[0])
    neighbours = math.prod(4 * max(1, before[axis] / after[axis]) for axis in (-2, -1))
    return Counter(upsample_bicubic2d=round(neighbours * math.prod(after)))


def linear_interpolation_ops(inputs: list[Any], outputs: list[Any]) -> Counter[str]:
    """``upsample_linear1d``: two neighbours per element."""
    return Counter(upsample_linear1d=2 * math.prod(get_shape(outputs[0])))


def roi_align_ops(inputs: list[Any], outputs: list[Any]) -> Counter[str]:
    """RoIAlign: four neighbours per element it puts out, as for bilinear interpolation.

    How many points of a bin are looked at depends on the region's size; one is counted, the mean
    over more of them is free, as all pooling is.
    """
    return Counter(roi_align=4 * math.prod(get_shape(outputs[0])))


def deformable_conv_macs(inputs: list[Any], outputs: list[Any]) -> Counter[str]:
    """mmcv's deformable convolutions: of values that lie between pixels, interpolated from four."""
    shapes = [get_shape(value) for value in inputs]
    maps = [shape for shape in shapes if len(shape) == 4]  # x, offset, sometimes mask, weight
    x, weight, out = maps[0], maps[-1], get_shape(outputs[0])
    sampled = out[0] * x[1] * math.prod(weight[2:]) * math.prod(out[2:])
    return Counter(conv=math.prod(out) * math.prod(weight[1:]), grid_sampler=4 * sampled)


HANDLES = {
    'aten::linear': linear_macs,
    'aten::matmul': matmul_macs,
    'aten::_native_multi_head_attention': fused_attention_macs,
    'aten::_convolution_mode': named_padding_conv_macs,
    'aten::upsample_bicubic2d': bicubic_ops,
    'aten::_upsample_bicubic2d_aa': smoothed_bicubic_ops,
    'aten::upsample_linear1d': linear_interpolation_ops,
    'prim::PythonOp.DeformConv2dFunction': deformable_conv_macs,  # mmcv's, as the next two
    'prim::PythonOp.ModulatedDeformConv2dFunction': deformable_conv_macs,
    'prim::PythonOp.RoIAlignFunction': roi_align_ops,
    'torchvision::roi_align': roi_align_ops,
}
