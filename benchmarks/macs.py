"""Multiply-adds per exit, counted by fvcore over exactly the steps that run.

MACs are the multiply-adds of convolutions, linear layers and matrix products, both products of
attention included; FLOPs = 2 MACs. What fvcore also counts, one or two operations per element of
normalisation, pooling and interpolation layers, is kept beside them and not added (1.4 % of a
Dyn-Perceiver). Elementwise arithmetic, activations, softmax and data movement are not counted,
which is the field's convention. An operator that is on no list stops the count: nothing is
silently zero.
"""

import math
import warnings
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from dynp_plugins.errors import UserError
from dynp_plugins.networks import MultiExitNetwork

with warnings.catch_warnings():
    # fvcore scripts a loss function when it is imported, which torch has deprecated.
    warnings.simplefilter('ignore', FutureWarning)
    from fvcore.nn import FlopCountAnalysis
    from fvcore.nn.jit_handles import get_shape

FREE_OPERATORS = frozenset(
    """
    aten::add aten::add_ aten::sub aten::sub_ aten::mul aten::mul_ aten::div aten::div_ aten::neg
    aten::pow aten::sqrt aten::rsqrt aten::exp aten::log aten::abs aten::clamp aten::clamp_
    aten::maximum aten::relu aten::relu_ aten::gelu aten::sigmoid aten::sigmoid_ aten::silu
    aten::silu_ aten::hardswish aten::hardswish_ aten::hardsigmoid aten::hardsigmoid_ aten::tanh
    aten::softmax aten::log_softmax aten::dropout aten::dropout_ aten::mean aten::sum aten::max
    aten::amax aten::argmax aten::max_pool2d aten::avg_pool2d aten::cat aten::stack aten::expand
    aten::expand_as aten::repeat aten::flatten aten::unflatten aten::view aten::reshape
    aten::permute aten::transpose aten::t aten::contiguous aten::clone aten::chunk aten::split
    aten::unbind aten::slice aten::select aten::squeeze aten::unsqueeze aten::pad aten::roll
    aten::to aten::detach aten::zeros aten::ones aten::zeros_like aten::ones_like
    """.split()  # noqa: SIM905 - as a list literal it would fill the screen
)
"""Operators that are looked at and counted as zero: elementwise work and data movement."""


MULTIPLY_ADD_OPERATORS = frozenset(
    {'conv', 'linear', 'attention', 'matmul', 'bmm', 'addmm', 'einsum'}
)
"""fvcore's names of the operators whose counts are MACs; its other counts stand beside them."""


@dataclass(frozen=True)
class ExitCost:
    """What one image has cost when an exit answers, everything that ran before included.

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
    """fvcore's count of one call of ``module``, by operator.

    Args:
        module: Counted in the mode it is in.
        inputs: Positional inputs; their batch size multiplies the result.

    Raises:
        UserError: The module runs an operator that is neither counted nor known to be free.
    """
    analysis = FlopCountAnalysis(module, inputs)
    analysis.set_op_handle('aten::scaled_dot_product_attention', attention_macs)
    analysis.unsupported_ops_warnings(False).uncalled_modules_warnings(False)
    analysis.tracer_warnings('none')
    by_operator = analysis.by_operator()
    unknown = set(analysis.unsupported_ops()) - FREE_OPERATORS
    if unknown:
        raise UserError(
            f'cannot count {type(module).__name__}: nobody has said what '
            f'{", ".join(sorted(unknown))} costs; add a handle or, if it does no heavy work, its '
            'name to FREE_OPERATORS in benchmarks/macs.py'
        )
    return Counter({name: int(count) for name, count in by_operator.items()})


class _Step(nn.Module):
    """One step of a network with plain tensors in and out, as a tracer wants it.

    Everything the step makes is returned, so that the tracer drops nothing as unused.
    """

    def __init__(self, network: MultiExitNetwork, k: int, state_keys: Sequence[str]):
        super().__init__()
        self.network = network
        self.k = k
        self.state_keys = state_keys

    def forward(self, *tensors: Tensor) -> tuple[Tensor, ...]:
        values, logits = tensors[: len(self.state_keys)], tensors[len(self.state_keys) :]
        state = dict(zip(self.state_keys, values, strict=True))
        state, exit_logits = self.network.step(self.k, state, logits)
        return (*state.values(), exit_logits)


class _Start(nn.Module):
    def __init__(self, network: MultiExitNetwork):
        super().__init__()
        self.network = network

    def forward(self, images: Tensor) -> tuple[Tensor, ...]:
        return tuple(self.network.start(images).values())


@torch.no_grad()
def exit_costs(network: MultiExitNetwork, input_shape: Sequence[int]) -> list[ExitCost]:
    """Cumulative cost of every exit for one image.

    Args:
        network: The network, on any device.
        input_shape: (channels, height, width) of the image.

    Raises:
        UserError: See `count_macs`.
    """
    image = torch.zeros(1, *input_shape, device=next(network.parameters()).device)
    training = network.training
    network.eval()
    try:
        total = count_macs(_Start(network), image)
        state, logits, costs = network.start(image), [], []
        for k, name in enumerate(network.exit_names):
            total += count_macs(_Step(network, k, tuple(state)), (*state.values(), *logits))
            state, exit_logits = network.step(k, state, logits)
            logits.append(exit_logits)
            macs = sum(n for op, n in total.items() if op in MULTIPLY_ADD_OPERATORS)
            costs.append(ExitCost(name, macs, total.total() - macs, dict(sorted(total.items()))))
    finally:
        network.train(training)
    return costs
