"""Multiply-adds per exit, counted by fvcore over exactly the steps that run.

MACs are the multiply-adds of convolutions, linear layers and matrix products, both products of
attention included; FLOPs = 2 MACs. What fvcore also counts, one or two operations per element of
normalisation, pooling and interpolation layers, is kept beside them and not added (1.4 % of a
Dyn-Perceiver). Elementwise arithmetic, activations, softmax and data movement are not counted,
which is the field's convention. An operator that is on no list stops the count: nothing is
silently zero.
"""

import math
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from dynp_plugins.errors import UserError
from dynp_plugins.networks import MultiExitNetwork

from .fvcore_analysis import FlopCountAnalysis, get_shape, quiet
from .operator_handles import HANDLES
from .step_modules import StepModule, as_in_inference, step_modules

FREE_OPERATORS = frozenset(
    """
    aten::add aten::add_ aten::sub aten::sub_ aten::rsub aten::mul aten::mul_ aten::div aten::div_
    aten::neg aten::addcmul aten::pow aten::sqrt aten::rsqrt aten::exp aten::log aten::log2
    aten::abs aten::cos aten::sin aten::ceil aten::ne aten::clamp aten::clamp_ aten::clamp_min
    aten::maximum aten::relu aten::relu_ aten::gelu aten::sigmoid aten::sigmoid_ aten::silu
    aten::silu_ aten::leaky_relu aten::leaky_relu_ aten::hardswish aten::hardswish_
    aten::hardsigmoid aten::hardsigmoid_ aten::tanh aten::hardtanh aten::hardtanh_ aten::softmax
    aten::log_softmax aten::dropout aten::dropout_ aten::mean aten::sum aten::cumsum
    aten::linalg_vector_norm aten::max aten::amax aten::argmax aten::max_pool2d
    aten::adaptive_avg_pool1d aten::avg_pool1d aten::avg_pool2d aten::cat aten::stack aten::expand
    aten::expand_as aten::repeat aten::repeat_interleave aten::tile aten::flatten aten::unflatten
    aten::view aten::reshape aten::reshape_as aten::permute aten::transpose aten::t aten::contiguous
    aten::clone aten::chunk aten::split aten::unbind aten::movedim aten::slice aten::select
    aten::squeeze aten::unsqueeze aten::pad aten::roll aten::im2col aten::col2im aten::to
    aten::detach aten::fill_ aten::zero_ aten::numel aten::zeros aten::ones aten::zeros_like
    aten::ones_like
    """.split()  # noqa: SIM905 - as a list literal it would fill the screen
)
"""Operators that are looked at and counted as zero: elementwise work and data movement."""


MULTIPLY_ADD_OPERATORS = frozenset(
    {'conv', 'linear', 'attention', 'matmul', 'mm', 'bmm', 'addmm', 'einsum'}
)
"""fvcore's names of the operators whose counts are MACs; its other counts stand beside them."""


@dataclass(frozen=True)
class ExitCost:
    """What one sample has cost when an exit answers, everything that ran before included.

    A sample is a picture, or all the frames of a video that the network is given.

    Attributes:
        name: The exit.
        macs: Multiply-adds of convolutions, linear layers and matrix products.
        other_ops: What fvcore counts of normalisation, pooling and interpolation.
        by_operator: Both, split by operator.
    """

    name: str
    macs: int
    other_ops: int
    by_operator: dict[str, int]


def attention_macs(inputs: list[Any], outputs: list[Any]) -> Counter[str]:
    """fvcore handle of ``scaled_dot_product_attention``: q k^T and the product with v.

    B * heads * Lq * Lkv * (d_qk + d_v) multiply-adds, for q (B, heads, Lq, d_qk).
    """
    q, k, v = (get_shape(value) for value in inputs[:3])
    return Counter({'attention': math.prod(q[:-1]) * k[-2] * (q[-1] + v[-1])})


def count_macs(module: nn.Module, inputs: Tensor | tuple[Tensor, ...]) -> Counter[str]:
    """fvcore's count of one call of ``module``, by operator; see `count_macs_by_module`."""
    return count_macs_by_module(module, inputs)['']


def count_macs_by_module(
    module: nn.Module, inputs: Tensor | tuple[Tensor, ...], title: str | None = None
) -> dict[str, Counter[str]]:
    """fvcore's count of one call of ``module``, for it and every module in it, by operator.

    What runs in a module's ``forward`` counts for that module and for those it lies in; what runs
    in its other methods counts for the one whose ``forward`` called them.

    Args:
        module: Counted in the mode it is in.
        inputs: Positional inputs; their batch size multiplies the result.
        title: What the module is called in an error, by default its class.

    Returns:
        Counts by module name; ``''`` is ``module`` itself.

    Raises:
        UserError: The module runs an operator that is neither counted nor known to be free.
    """
    analysis = quiet(FlopCountAnalysis(module, inputs))
    analysis.set_op_handle('aten::scaled_dot_product_attention', attention_macs)
    for operator, handle in HANDLES.items():
        analysis.set_op_handle(operator, handle)
    by_module = analysis.by_module_and_operator()
    unknown = set(analysis.unsupported_ops()) - FREE_OPERATORS
    if unknown:
        raise UserError(
            f'cannot count {title or type(module).__name__}: nobody has said what '
            f'{", ".join(sorted(unknown))} costs; add a handle or, if it does no heavy work, its '
            'name to FREE_OPERATORS in benchmarks/macs.py'
        )
    return {
        name: Counter({operator: int(count) for operator, count in by_operator.items()})
        for name, by_operator in by_module.items()
    }


@torch.no_grad()
def exit_costs(
    network: MultiExitNetwork, input_shape: Sequence[int], shortcuts: bool = False
) -> list[ExitCost]:
    """Cumulative cost of every exit for one sample.

    Args:
        network: The network, on any device.
        input_shape: Of the sample: (channels, height, width) of a picture, or (frames, channels,
            height, width) of a video, whose frames are all counted.
        shortcuts: Count what really runs where the network takes `Shortcut`s, instead of the
            published form, which is comparable with other implementations.

    Raises:
        UserError: See `count_macs`.
    """
    total, costs = Counter(), []
    with as_in_inference(network, shortcuts):
        for module, inputs in step_modules(network, input_shape):
            total += count_macs(module, inputs)
            if isinstance(module, StepModule):
                costs.append(exit_cost(network.exit_names[module.k], total))
    return costs


def exit_cost(name: str, by_operator: Counter[str]) -> ExitCost:
    """The cost of an exit from fvcore's counts of all that has run."""
    macs = multiply_adds(by_operator)
    return ExitCost(name, macs, by_operator.total() - macs, dict(sorted(by_operator.items())))


def multiply_adds(by_operator: Counter[str]) -> int:
    """The MACs among fvcore's counts."""
    return sum(n for operator, n in by_operator.items() if operator in MULTIPLY_ADD_OPERATORS)
