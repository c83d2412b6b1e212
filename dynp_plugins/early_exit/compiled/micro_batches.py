"""Cutting a batch of any size into batches of the few sizes that graphs were made for."""

from collections.abc import Callable, Sequence
from functools import lru_cache

import torch
from torch import Tensor

_CALL_COST = 1.0
"""What a call costs beyond its images, in images: a few are rather filled up than run alone."""


@lru_cache(maxsize=4096)
def micro_batches(count: int, sizes: tuple[int, ...]) -> tuple[int, ...]:
    """The sizes to run ``count`` images in, from the largest; at most the last is not full.

    Args:
        count: At least 1.
        sizes: What there are graphs for, rising.

    Returns:
        Sizes whose sum is at least ``count``; of all such rows one with the least cost, where a
        batch costs its size and a constant.
    """
    whole = max(count // sizes[-1] - 1, 0)  # more than that never pays
    rest = count - whole * sizes[-1]
    best: list[tuple[float, tuple[int, ...]]] = [(0.0, ())]
    for n in range(1, rest + 1):
        best.append(
            min(
                (best[max(n - size, 0)][0] + size + _CALL_COST, (*best[max(n - size, 0)][1], size))
                for size in sizes
            )
        )
    return (sizes[-1],) * whole + tuple(sorted(best[rest][1], reverse=True))


def run_in_micro_batches(
    inputs: Sequence[Tensor],
    sizes: tuple[int, ...],
    run: Callable[[int, tuple[Tensor, ...]], Sequence[Tensor]],
) -> tuple[Tensor, ...]:
    """Run tensors, batch first, in batches of ``sizes``, the last one filled up with zeros.

    Args:
        inputs: Of one batch size.
        sizes: Rising.
        run: Called with a size and inputs of that size; its outputs are batch first, and may be
            overwritten by its next call.

    Returns:
        Its outputs for the whole batch, in memory of their own and in the memory format in which
        they came.
    """
    count = len(inputs[0])
    plan, begin = micro_batches(count, sizes), 0
    whole: list[Tensor] = []
    for size in plan:
        end = min(begin + size, count)
        pieces = tuple(_filled(value[begin:end], size) for value in inputs)
        outputs = run(size, pieces)
        if not whole:
            whole = [_room_for(value, count) for value in outputs]
        for room, value in zip(whole, outputs, strict=True):
            room[begin:end].copy_(value[: end - begin])
        begin = end
    return tuple(whole)


def _filled(value: Tensor, size: int) -> Tensor:
    if len(value) == size:
        return value
    filled = _room_for(value, size)
    filled[: len(value)].copy_(value)
    filled[len(value) :].zero_()
    return filled


def _room_for(value: Tensor, count: int) -> Tensor:
    """An empty tensor like ``value``, but with ``count`` rows."""
    channels_last = value.ndim == 4 and value.is_contiguous(memory_format=torch.channels_last)
    return torch.empty(
        (count, *value.shape[1:]),
        dtype=value.dtype,
        device=value.device,
        memory_format=torch.channels_last if channels_last else torch.contiguous_format,
    )
