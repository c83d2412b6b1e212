"""Counting one call of a submodule, whatever its inputs are; calls with any number of regions."""

from collections import Counter
from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor, nn
from torch.utils._pytree import TreeSpec, tree_flatten, tree_leaves, tree_unflatten

from dynp_plugins.networks.shortcuts import without_shortcuts

from ..macs import count_macs_by_module
from ..step_modules import without_fused_attention

Counts = dict[str, Counter[str]]
"""fvcore's counts by operator, by the name of a module."""


def count_call(
    name: str, module: nn.Module, args: tuple[Any, ...], kwargs: dict[str, Any]
) -> Counts:
    """fvcore's counts of one call, for the module and every module in it, without shortcuts.

    Args:
        name: The module's name, with which the names in the result begin.
        module: Counted in the mode it is in.
        args: Its inputs; tensors may be nested in lists, tuples and dicts.
        kwargs: Likewise.

    Raises:
        UserError: See `benchmarks.macs.count_macs_by_module`.
    """
    leaves, structure = tree_flatten((args, kwargs))
    tensors = tuple(leaf.detach().clone() for leaf in leaves if isinstance(leaf, Tensor))
    devices = {tensor.device for tensor in tensors if tensor.device.type == 'cuda'}
    traced = _TracedCall(module, leaves, structure)
    as_published = without_shortcuts(module)
    with torch.no_grad(), without_fused_attention(), as_published, torch.random.fork_rng(devices):
        counts = count_macs_by_module(traced, tensors, title=type(module).__name__)
    del counts['']
    return {name + inner.removeprefix('module'): counts[inner] for inner in counts}


class _TracedCall(nn.Module):
    """A call of a module with plain tensors in and out, as tracers need it."""

    def __init__(self, module: nn.Module, leaves: Sequence[Any], structure: TreeSpec):
        super().__init__()
        self.module = module
        self.leaves = leaves
        self.structure = structure

    def forward(self, *tensors: Tensor) -> tuple[Tensor, ...]:
        given = iter(tensors)
        leaves = [next(given) if isinstance(leaf, Tensor) else leaf for leaf in self.leaves]
        args, kwargs = tree_unflatten(leaves, self.structure)
        outputs = tree_leaves(self.module(*args, **kwargs))
        return tuple(output for output in outputs if isinstance(output, Tensor))


def shape_of(leaf: Any) -> Any:
    """What tells one call from another: a tensor's shape, a plain value, an object's class."""
    if isinstance(leaf, Tensor):
        return ('tensor', *leaf.shape)
    return leaf if isinstance(leaf, int | float | str | None) else type(leaf)


def region_count(args: tuple[Any, ...], kwargs: dict[str, Any]) -> int | None:
    """Regions in a call of a part of a RoI head: it gets them, or what is made of them, directly.

    Feature maps, if it gets any, are in a list.
    """
    direct = [value for value in (*args, *kwargs.values()) if isinstance(value, Tensor)]
    return len(direct[0]) if direct else None


def first_regions(
    args: tuple[Any, ...], kwargs: dict[str, Any], regions: int | None
) -> tuple[tuple[Any, ...], dict[str, Any]]:
    """Inputs of that call with the first few regions only; None keeps all."""

    def first(value: Any) -> Any:
        return value[:regions] if isinstance(value, Tensor) else value

    return tuple(map(first, args)), {key: first(value) for key, value in kwargs.items()}


def on_the_line(small: Sequence[Counts], regions: int) -> Counts | None:
    """The counts for any number of regions from those for 1, 2 and 3; None if they do not grow so.

    Args:
        small: By number of regions.
        regions: The number.
    """
    counts: Counts = {}
    for name in small[0]:
        counts[name] = Counter()
        for operator in set().union(*(known[name] for known in small)):
            one, two, three = (known[name][operator] for known in small)
            if three - two != two - one:
                return None
            counts[name][operator] = one + (regions - 1) * (two - one)
    return counts
