"""A step as an exported program that holds its own weights alone and takes batches of any size."""

import copy
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import torch
from torch import Tensor
from torch.export import Dim, ExportedProgram
from torch.overrides import TorchFunctionMode
from torch.utils._pytree import tree_leaves

from .step_graph import ExampleStep


def export_step(step: ExampleStep, images_per_sample: int | None) -> ExportedProgram:
    """Export a step.

    Args:
        step: With an example batch; of at least two samples where any size is to be taken.
        images_per_sample: Batches of any multiple of it are taken; None: of the example's alone.

    Raises:
        Exception: Whatever torch raises; networks that ask for the size of a batch as a plain
            number cannot be exported for any size.
    """
    step = without_unused_weights(step)
    if images_per_sample is None:
        return torch.export.export(step.graph, step.inputs)
    samples = Dim('samples', min=1)
    batch = samples if images_per_sample == 1 else images_per_sample * samples
    shapes = tuple({0: batch} for _ in step.inputs)
    return torch.export.export(step.graph, step.inputs, dynamic_shapes=(shapes,))


@torch.no_grad()
def without_unused_weights(step: ExampleStep) -> ExampleStep:
    """The same step over a copy of the network that lacks the weights of all other steps.

    What is exported would otherwise hold the weights of the whole network, once for each step. The
    weights that are left are not copied.
    """
    with _TouchedTensors() as touched:
        step.graph(*step.inputs)
    graph = step.graph
    weights = [*graph.parameters(), *graph.buffers()]
    slim = copy.deepcopy(graph, {id(weight): weight for weight in weights})
    for module in slim.modules():
        own = [*module.named_parameters(recurse=False), *module.named_buffers(recurse=False)]
        for name, weight in own:
            if id(weight) not in touched.ids:
                setattr(module, name, None)
    return replace(step, graph=slim)


class _TouchedTensors(TorchFunctionMode):
    """Notes which tensors the functions of torch are given.

    Attributes:
        ids: Their identities.
    """

    def __init__(self) -> None:
        super().__init__()
        self.ids: set[int] = set()

    def __torch_function__(
        self,
        func: Any,
        types: Sequence[type],
        args: Sequence[Any] = (),
        kwargs: Mapping[str, Any] | None = None,
    ) -> Any:
        given = tree_leaves((args, kwargs))
        self.ids.update(id(leaf) for leaf in given if isinstance(leaf, Tensor))
        return func(*args, **(kwargs or {}))
