"""Activations: how many numbers the convolutions, linear layers and matrix products put out.

The measure that goes with memory traffic ("Designing Network Design Spaces", arXiv 2003.13678,
section 2), counted by fvcore.
"""

import math
from collections import Counter
from typing import Any

from torch import Tensor, nn

from dynp_plugins.errors import UserError

from .fvcore_analysis import ActivationCountAnalysis, generic_activation_jit, get_shape, quiet
from .macs import FREE_OPERATORS

_NOT_COUNTED = FREE_OPERATORS | {
    'aten::adaptive_avg_pool2d',
    'aten::batch_norm',
    'aten::grid_sampler',
    'aten::group_norm',
    'aten::instance_norm',
    'aten::layer_norm',
    'aten::upsample_bicubic2d',
    'aten::upsample_bilinear2d',
    'aten::upsample_linear1d',
    'aten::upsample_nearest2d',
}
"""Operators that make no activations by this definition."""


def attention_activations(inputs: list[Any], outputs: list[Any]) -> Counter[str]:
    """fvcore handle of ``scaled_dot_product_attention``: what its two matrix products put out.

    B * heads * Lq * (Lkv + d_v) numbers, for q (B, heads, Lq, d_qk), so that attention counts the
    same as when it is written as two matrix products, though a fused kernel never stores the first.
    """
    q, k, v = (get_shape(value) for value in inputs[:3])
    return Counter({'attention': math.prod(q[:-1]) * (k[-2] + v[-1])})


def count_activations(module: nn.Module, inputs: Tensor | tuple[Tensor, ...]) -> int:
    """Activations of one call of ``module``.

    Args:
        module: Counted in the mode it is in.
        inputs: Positional inputs; their batch size multiplies the result.

    Raises:
        UserError: The module runs an operator that is neither counted nor known not to be.
    """
    analysis = quiet(ActivationCountAnalysis(module, inputs))
    analysis.set_op_handle('aten::scaled_dot_product_attention', attention_activations)
    for operator in ('aten::mm', 'aten::_convolution_mode'):  # which fvcore has forgotten
        analysis.set_op_handle(operator, generic_activation_jit())
    total = int(analysis.total())
    unknown = set(analysis.unsupported_ops()) - _NOT_COUNTED
    if unknown:
        raise UserError(
            f'cannot count the activations of {type(module).__name__}: nobody has said whether '
            f'{", ".join(sorted(unknown))} puts out any; add a handle or its name to _NOT_COUNTED '
            'in benchmarks/activations.py'
        )
    return total
