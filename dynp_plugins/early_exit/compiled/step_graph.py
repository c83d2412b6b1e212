"""One step of a network as a module with plain tensors in and out, as compilers take it."""

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor, nn

IMAGES = 'images'


class StepGraph(nn.Module):
    """Step ``k`` of a network; the first one begins with the images, the last one ends with logits.

    Nothing that a later step does not read is computed: the start belongs to the first step, and of
    the last step's state nothing is handed out.

    Args:
        network: In eval mode.
        k: Index of the exit.
        state_keys: Names of the state's entries that it takes, in order; ``(IMAGES,)`` for the
            first.
        dtype: Of the state; logits are float32 in any case, as confidences are compared in it.
    """

    def __init__(self, network: nn.Module, k: int, state_keys: Sequence[str], dtype: torch.dtype):
        super().__init__()
        self.network = network
        self.k = k
        self.state_keys = tuple(state_keys)
        self.dtype = dtype
        self.is_last = k == len(network.exit_names) - 1

    def forward(self, *tensors: Tensor) -> tuple[Tensor, ...]:
        """The state's entries, then the logits so far; returns those after the step."""
        count = len(self.state_keys)
        entries = [tensor.to(self.dtype) for tensor in tensors[:count]]
        logits = [tensor.to(self.dtype) for tensor in tensors[count:]]
        if self.k == 0:
            state = self.network.start(*entries)
        else:
            state = dict(zip(self.state_keys, entries, strict=True))
        state, exit_logits = self.network.step(self.k, state, logits)
        kept = () if self.is_last else state.values()
        return (*kept, exit_logits.float())


@dataclass(frozen=True)
class ExampleStep:
    """A step with what one batch gives it.

    Attributes:
        graph: The step.
        inputs: The state's entries and the logits so far.
        output_keys: Names of the state's entries that it returns before the logits.
    """

    graph: StepGraph
    inputs: tuple[Tensor, ...]
    output_keys: tuple[str, ...]


@torch.no_grad()
def example_steps(network: nn.Module, images: Tensor, dtype: torch.dtype) -> list[ExampleStep]:
    """Every step of a network, with the inputs that ``images`` lead to.

    Args:
        network: In eval mode; its weights are of ``dtype``.
        images: (B, channels, H, W).
        dtype: Of the state.
    """
    steps, keys, inputs = [], (IMAGES,), (images,)
    state, logits = network.start(images.to(dtype)), []
    for k in range(len(network.exit_names)):
        graph = StepGraph(network, k, keys, dtype).eval()
        state, exit_logits = network.step(k, state, logits)
        logits.append(exit_logits)
        output_keys = () if graph.is_last else tuple(state)
        steps.append(ExampleStep(graph, inputs, output_keys))
        keys = tuple(state)
        inputs = (*state.values(), *(one.float() for one in logits))
    return steps
