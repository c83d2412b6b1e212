"""Taking the order of a video's frames away, always the same way for the same file."""

import hashlib
from pathlib import PurePath
from types import ModuleType

import numpy as np


def orders_of(path: str, seed: int) -> np.random.RandomState:
    """A source of orders that follow from the name of a file, without its folders, and a seed."""
    name = PurePath(path.replace('\\', '/')).name
    digest = hashlib.sha256(f'{seed}:{name}'.encode()).digest()
    return np.random.RandomState(int.from_bytes(digest[:4], 'big'))


def shuffle_groups(
    numbers: np.ndarray, size: int, rng: np.random.RandomState | ModuleType
) -> np.ndarray:
    """Another order within each group of successive frames, unless all in it are the same frame.

    Args:
        numbers: Of the frames, in any shape; they make up whole groups.
        size: Of a group.
        rng: Draws the orders: such as `orders_of` gives, or ``numpy.random``.
    """
    groups = [_other_order(group, rng) for group in numbers.reshape(-1, size)]
    return np.concatenate(groups).reshape(numbers.shape)


def _other_order(numbers: np.ndarray, rng: np.random.RandomState | ModuleType) -> np.ndarray:
    """All orders that differ from the given one are equally likely."""
    if (numbers == numbers[0]).all():
        return numbers
    while True:
        shuffled = rng.permutation(numbers)
        if (shuffled != numbers).any():
            return shuffled
