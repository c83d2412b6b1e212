"""Which image sizes a network can take, found by running it on tensors without data."""

import copy
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import torch
from torch import Tensor, nn
from torch.overrides import TorchFunctionMode

_LARGEST_SIDE = 1024
_SEARCH_SECONDS = 20
_TYPICAL_SIDES = (32, 64, 96, 128, 160, 192, 224, 240, 256, 288, 299, 320, 384, 448, 512)
_SMALL_SIDE = 64
"""How far the search goes where none of the typical sides is right."""
_LARGEST_STRIDE = 64
"""No network in use steps further than this from one legal side to the next, unless the sides are
the multiples of the smallest one."""


def size_complaint(
    network: nn.Module, images: Tensor, other_size: str = '', likely: int = 224
) -> str | None:
    """Say which sizes ``network`` takes if it cannot take that of ``images``.

    To be called after the network has failed on ``images``: the answer takes up to seconds.

    Args:
        network: Takes images (B, channels, H, W). It is neither run nor changed; a copy without
            data is.
        images: What it has failed on.
        other_size: What builds the network for other sizes, for example ``'img_size='``.
        likely: Side of the square images that it was designed for.

    Returns:
        The rest of a sentence that starts with the network's name; None where the size is not
        what is wrong, and where no square size was found that is right.
    """
    if images.ndim != 4 or not images.is_floating_point():
        return None
    # A thread of its own: the trials are to see neither the tracer that may be counting the
    # network's operators at this moment, nor autocast, nor any other mode of the caller.
    with ThreadPoolExecutor(1) as pool:
        return pool.submit(_complaint, network, images, other_size, likely).result()


def _complaint(network: nn.Module, images: Tensor, other_size: str, likely: int) -> str | None:
    try:
        takes = _trial(network, images)
    except Exception:  # what cannot be copied keeps its own error
        return None
    height, width = images.shape[-2:]
    if takes(height, width):
        return None
    # Where none of these works, it is most likely not the size that is wrong: a search of all sizes
    # would only delay the error that says what is.
    works = any(takes(side, side) for side in (likely, *_TYPICAL_SIDES))
    last = _LARGEST_SIDE if works else _SMALL_SIDE
    stop = time.monotonic() + _SEARCH_SECONDS
    smallest = 1
    while not takes(smallest, smallest):
        smallest += 1
        if smallest > last or time.monotonic() > stop:
            return None
    complaint = f'cannot take images of {height} x {width} pixels: ' + _legal(smallest, takes)
    return complaint + (f'; {other_size} builds it for other sizes' if other_size else '')


def _legal(smallest: int, takes: Callable[[int, int], bool]) -> str:
    """The legal square sizes in words."""
    some_larger = f'the smallest square ones that it takes are {smallest} x {smallest}'
    if takes(2 * smallest, 2 * smallest):
        return some_larger
    largest = smallest
    while takes(largest + 1, largest + 1):
        largest += 1
        if largest == smallest + _LARGEST_STRIDE:
            return some_larger
    others = (2 * largest, *range(largest + 2, largest + 1 + _LARGEST_STRIDE))
    if any(takes(side, side) for side in others):
        return some_larger
    if largest == smallest:
        return f'{smallest} x {smallest} is the only square size that it takes'
    return f'the square ones that it takes are {smallest} x {smallest} to {largest} x {largest}'


def _trial(network: nn.Module, images: Tensor) -> Callable[[int, int], bool]:
    """A function that tells whether the network takes images of a height and a width."""
    memo = {id(buffer): buffer.detach().to('meta') for buffer in network.buffers()}
    for weight in network.parameters():
        memo[id(weight)] = nn.Parameter(weight.detach().to('meta'), requires_grad=False)
    with _CopyWithoutData():
        replica = copy.deepcopy(network, memo)
    for module in replica.modules():  # what others have hung onto it is not to see the trials
        module._forward_hooks.clear()
        module._forward_pre_hooks.clear()

    def takes(height: int, width: int) -> bool:
        # Two images, because batch normalisation in training refuses one of 1 x 1.
        shape = (2, images.shape[1], height, width)
        with torch.no_grad(), torch.device('meta'):
            try:
                replica(torch.empty(shape, dtype=images.dtype))
            except Exception:
                return False
        return True

    return takes


class _CopyWithoutData(TorchFunctionMode):
    """Lets `copy.deepcopy` copy a tensor that is neither parameter nor buffer, such as a cached
    one: without its data, and without its history, which would make the copy fail."""

    def __torch_function__(self, function, types, args=(), kwargs=None):
        if function is not Tensor.__deepcopy__:
            return function(*args, **(kwargs or {}))
        tensor, memo = args
        memo[id(tensor)] = tensor.detach().to('meta')
        return memo[id(tensor)]
