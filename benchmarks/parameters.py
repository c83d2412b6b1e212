"""How many numbers a network has to learn."""

from torch import nn


def trainable_parameters(module: nn.Module) -> int:
    """Numbers in the parameters that training changes, frozen ones left out."""
    return sum(p.numel() for p in module.parameters() if p.requires_grad)
