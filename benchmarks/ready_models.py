"""Classifiers brought to where and how they are to be timed; what is found out on the way."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import torch

from dynp_plugins.early_exit.compiled import BATCH_SIZES
from dynp_plugins.errors import UserError

from .agreement import float32_logits, measure_agreement
from .latency_records import Agreement, MachineRecord, Tuning
from .timed_models import TimedModel
from .timing import RoundLimits
from .tuning import CANDIDATES, candidate_sizes, tune


@dataclass(frozen=True)
class RunForm:
    """Where and how classifiers are to run.

    Attributes:
        device: For the network.
        dtype: Of the arithmetic.
        channels_last: Whether weights and images have that memory format; a backend has its own.
        backend: What compiles the steps; None leaves them to torch.
        graphs: Samples in the batches of its graphs, or the sizes to choose from; None for the
            default of either.
        tuned: Whether the best of these sizes is measured and taken.
        threads: Of the backend on a CPU; None for as many as torch has.

    Raises:
        UserError: Sizes are to be tuned, and there are no graphs; or there are, and a memory format
            is asked for.
    """

    device: torch.device
    dtype: torch.dtype
    channels_last: bool = False
    backend: str | None = None
    graphs: Sequence[int] | None = None
    tuned: bool = False
    threads: int | None = None

    def __post_init__(self) -> None:
        if self.tuned and not self.backend:
            raise UserError(
                '--tune is about the sizes of graphs, and torch alone has none: give --backend '
                'with it'
            )
        if self.channels_last and self.backend:
            raise UserError(
                '--channels-last is for torch alone, compiled steps choose their memory format: '
                'give it without --backend'
            )

    @property
    def is_plain(self) -> bool:
        """Whether it is eager PyTorch in float32, as exit tables are made."""
        return not self.backend and self.dtype == torch.float32

    @property
    def backend_threads(self) -> int | None:
        """What a backend is told, so that it has the threads that are recorded."""
        if self.device.type == 'cpu' and self.threads is None:
            return torch.get_num_threads()
        return self.threads

    def graph_sizes(self, batch_size: int) -> list[int]:
        """What graphs are made for, where the largest batch is of so many of their samples."""
        if self.tuned:
            return candidate_sizes(self.graphs or CANDIDATES, batch_size)
        return list(self.graphs or BATCH_SIZES)

    def recorded(self, machine: MachineRecord) -> MachineRecord:
        """The machine with what is said here about the backend."""
        if not self.backend:
            return machine
        sizes = [] if self.tuned else list(self.graphs or BATCH_SIZES)
        return replace(machine, backend=self.backend, graph_sizes=sizes, tuned=self.tuned)


@dataclass(frozen=True)
class ReadyModel:
    """A classifier as it is to be timed, and what was found out before."""

    model: TimedModel
    agreement: Agreement | None = None
    tuning: Tuning | None = None


def ready_model(
    model: TimedModel, form: RunForm, batch_size: int, limits: RoundLimits
) -> ReadyModel:
    """Prepare or compile a classifier, tune it, and compare its answers with those in float32.

    Args:
        model: As it was loaded; its network is changed.
        form: Where and how it is to run.
        batch_size: Samples in the largest batch that is to be timed.
        limits: How many rounds, for tuning.

    Raises:
        UserError: It cannot run like that.
    """
    if form.is_plain:
        return ReadyModel(model.prepared(form.device, form.dtype, form.channels_last))
    reference, tuning = float32_logits(model, batch_size, form.device), None
    if not form.backend:
        model = model.prepared(form.device, form.dtype, form.channels_last)
    else:
        sizes = form.graph_sizes(batch_size * model.graph_samples)
        model = model.prepared(form.device, torch.float32, False)
        model = model.compiled(form.backend, form.dtype, sizes, form.backend_threads)
        if form.tuned:
            model, tuning = tune(model, sizes, batch_size, limits, form.device)
    return ReadyModel(model, measure_agreement(model, reference, batch_size, form.device), tuning)
