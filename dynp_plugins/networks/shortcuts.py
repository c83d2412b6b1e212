"""Shortcuts: the same function with less work than in the form in which it was published."""

from collections.abc import Iterator
from contextlib import contextmanager

from torch import nn


class Shortcut:
    """Mixed into a module that can take one.

    Attributes:
        takes_shortcut: Whether it does, where its input allows it. Results are the same up to
            rounding, in training, too; the published form is there to be counted and compared with.
    """

    takes_shortcut: bool = True


@contextmanager
def without_shortcuts(network: nn.Module) -> Iterator[None]:
    """All modules of ``network`` run in their published form for a while."""
    taking = [
        module
        for module in network.modules()
        if isinstance(module, Shortcut) and module.takes_shortcut
    ]
    for module in taking:
        module.takes_shortcut = False
    try:
        yield
    finally:
        for module in taking:
            module.takes_shortcut = True
