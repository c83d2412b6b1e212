"""What a network costs at every exit: multiply-adds, parameters, activations; also per module."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn
from torch.utils._python_dispatch import TorchDispatchMode

from dynp_plugins.networks import MultiExitNetwork

from .activations import count_activations
from .macs import ExitCost, count_macs_by_module, exit_cost, exit_costs, multiply_adds
from .step_modules import StepModule, as_in_inference, step_modules


@dataclass(frozen=True)
class DetailedExitCost(ExitCost):
    """`ExitCost` and what else is counted, everything that ran before included.

    Attributes:
        parameters: Numbers in the parameters that have been read.
        activations: Numbers that convolutions, linear layers and matrix products have put out.
        macs_run: Multiply-adds that really run, where the network takes `Shortcut`s; ``macs`` are
            those of its published form.
        macs_published_order: For a network that computes lazily, its ``macs`` when it computes
            layer by layer instead, as its publishers ran and counted it; else None.
    """

    parameters: int
    activations: int
    macs_run: int
    macs_published_order: int | None


@dataclass(frozen=True)
class ModuleCost:
    """A module's part of the cost, one cumulative number for every exit.

    Attributes:
        name: Its name in the network; ``''`` is the network itself. What a backbone or its heads
            compute themselves in ``start`` and ``step``, outside their modules, counts for the
            network alone.
        macs: Multiply-adds in its ``forward``.
        parameters: Numbers in those of its parameters that have been read.
    """

    name: str
    macs: tuple[int, ...]
    parameters: tuple[int, ...]

    @property
    def depth(self) -> int:
        """0 for the network, 1 for its backbone and its heads, and so on."""
        return self.name.count('.') + 1 if self.name else 0


@dataclass(frozen=True)
class NetworkCosts:
    """Costs of one network for one sample.

    Attributes:
        input_shape: (channels, height, width) of a picture, or (frames, channels, height, width)
            of a video.
        parameters: Numbers in all the network's parameters, read or not.
        exits: Every exit in order of execution.
        modules: Every module that computes or has parameters, in the order of their definition.
    """

    input_shape: tuple[int, ...]
    parameters: int
    exits: tuple[DetailedExitCost, ...]
    modules: tuple[ModuleCost, ...]


def increments(cumulative: Sequence[int]) -> list[int]:
    """What each exit adds to a number that is cumulative over the exits."""
    return [b - a for a, b in zip([0, *cumulative], cumulative, strict=False)]


@torch.no_grad()
def network_costs(network: MultiExitNetwork, input_shape: Sequence[int]) -> NetworkCosts:
    """Count everything of a network, exit by exit.

    Args:
        network: The network, on any device; its mode is restored.
        input_shape: Of the sample, see `NetworkCosts`.

    Raises:
        UserError: The network refuses samples of this shape, or runs an operator nobody has priced.
    """
    counts: defaultdict[str, Counter[str]] = defaultdict(Counter)
    activations, read = 0, set()
    exits, modules = [], _ModuleRecorder(network)
    run = exit_costs(network, input_shape, shortcuts=True)
    published_order = _published_order_macs(network, input_shape)
    with as_in_inference(network):
        for step, inputs in step_modules(network, input_shape):
            read |= parameters_read(step, inputs)  # first: a module may read some only once
            for name, by_operator in count_macs_by_module(step, inputs).items():
                counts[name] += by_operator
            activations += count_activations(step, inputs)
            if isinstance(step, StepModule):
                cost = exit_cost(network.exit_names[step.k], counts[''])
                exits.append(
                    DetailedExitCost(
                        **vars(cost),
                        parameters=_numbers(read),
                        activations=activations,
                        macs_run=run[step.k].macs,
                        macs_published_order=published_order and published_order[step.k],
                    )
                )
                modules.record(counts, read)
    return NetworkCosts(
        input_shape=tuple(input_shape),
        parameters=_numbers(network.parameters()),
        exits=tuple(exits),
        modules=modules.costs(),
    )


class _ModuleRecorder:
    """Collects the modules' numbers at every exit."""

    def __init__(self, network: MultiExitNetwork):
        self.parameters = {
            name: set(module.parameters()) for name, module in network.named_modules()
        }
        self.macs: dict[str, list[int]] = {name: [] for name in self.parameters}
        self.read: dict[str, list[int]] = {name: [] for name in self.parameters}

    def record(self, counts: dict[str, Counter[str]], read: set[nn.Parameter]) -> None:
        """Take down an exit.

        Args:
            counts: fvcore's counts of all that has run, by module of a `StepModule`.
            read: The parameters read so far.
        """
        for name, parameters in self.parameters.items():
            traced_name = f'network.{name}' if name else ''
            self.macs[name].append(multiply_adds(counts[traced_name]))
            self.read[name].append(_numbers(parameters & read))

    def costs(self) -> tuple[ModuleCost, ...]:
        """All of them, but for those that neither compute nor have parameters."""
        return tuple(
            ModuleCost(name, tuple(self.macs[name]), tuple(self.read[name]))
            for name, parameters in self.parameters.items()
            if parameters or any(self.macs[name])
        )


class _ReadRecorder(TorchDispatchMode):
    """Notes every tensor that an operator takes."""

    def __init__(self) -> None:
        super().__init__()
        self.read: set[Tensor] = set()

    def __torch_dispatch__(
        self, func: Any, types: Any, args: tuple = (), kwargs: dict | None = None
    ) -> Any:
        kwargs = kwargs or {}
        for value in (*args, *kwargs.values()):
            values = value if isinstance(value, list | tuple) else [value]
            self.read.update(item for item in values if isinstance(item, nn.Parameter))
        return func(*args, **kwargs)


def parameters_read(module: nn.Module, inputs: tuple[Tensor, ...]) -> set[nn.Parameter]:
    """The parameters that one call of ``module`` reads, however it reaches them."""
    with _ReadRecorder() as recorder:
        module(*inputs)
    return recorder.read


def _published_order_macs(
    network: MultiExitNetwork, input_shape: Sequence[int]
) -> tuple[int, ...] | None:
    """MACs of every exit with a lazy backbone's ``lazy`` switched off; None for other backbones."""
    lazy = getattr(network.backbone, 'lazy', None)
    if lazy is None:
        return None
    network.backbone.lazy = False
    try:
        return tuple(cost.macs for cost in exit_costs(network, input_shape))
    finally:
        network.backbone.lazy = lazy


def _numbers(parameters: Iterable[nn.Parameter]) -> int:
    return sum(parameter.numel() for parameter in parameters)
