"""Which batch size the graphs of compiled steps are the fastest with, measured for each model.

Compiled steps cut every batch into those that they have graphs for. Small ones stay in the caches
of a CPU, large ones spare calls; which is better depends on network, backend, type and machine.
Every size is timed as the largest one, as it would be run: beside graphs of all smaller ones, for
what is left over, in turn and round by round, on the same large batches, through all steps and with
early exit by every policy. What counts is the sum of these times.
"""

import logging
from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import torch

from dynp_plugins.errors import UserError

from .contestants import Contestant, Turn
from .latency_records import GraphTime, Tuning
from .timed_models import TimedModel
from .timing import Clock, RoundLimits, clock_for, interleaved_rounds

CANDIDATES = (1, 2, 4, 8, 16, 32, 64)

_logger = logging.getLogger(__name__)


def candidate_sizes(wanted: Sequence[int], batch_size: int) -> list[int]:
    """The sizes that are worth timing, rising: 1, and what fits into a batch.

    Args:
        wanted: Samples in a graph's batch, as `CompiledSteps` counts them.
        batch_size: Of those in the largest batch that is to be run.

    Raises:
        UserError: A size below 1.
    """
    if not all(size >= 1 for size in wanted):
        raise UserError(f'--graphs {" ".join(map(str, wanted))}: give whole numbers of at least 1')
    return sorted({1, *(size for size in wanted if size <= batch_size)})


def tune(
    model: TimedModel,
    sizes: Sequence[int],
    batch_size: int,
    limits: RoundLimits,
    device: torch.device,
    clock: Clock | None = None,
) -> tuple[TimedModel, Tuning]:
    """Time a model with graphs of every size.

    Args:
        model: With steps that were compiled for all these sizes.
        sizes: Of `candidate_sizes`.
        batch_size: Samples in the batches that are run; of more than there are, as many as there
            are.
        limits: How many rounds.
        device: Where the network is.
        clock: For that device; by default the one that suits it.

    Returns:
        The model with graphs up to the best size, and what was measured.
    """
    clock, batch_size = clock or clock_for(device), min(batch_size, len(model.images))
    graphs = [list(sizes[: count + 1]) for count in range(len(sizes))]
    contestants = [
        Contestant(_with_graphs(model, of_one), batch_size, device, clock, limits.warmup)
        for of_one in graphs
    ]
    turns = interleaved_rounds(contestants, limits)
    times = np.array([[_ms_per_sample(turn) for turn in of_one] for of_one in turns])
    medians = np.median(times, axis=1)
    best = int(medians.argmin())
    ratios = np.median(times / times[best], axis=1)
    found = [
        GraphTime(size, float(median), float(of_size.min()), float(of_size.max()), float(ratio))
        for size, median, of_size, ratio in zip(sizes, medians, times, ratios, strict=True)
    ]
    _logger.info('%s: graphs of up to %d are the best', model.name, sizes[best])
    tuning = Tuning(batch_size, times.shape[1], found, graphs[best])
    return _with_graphs(model, graphs[best]), tuning


def _with_graphs(model: TimedModel, sizes: Sequence[int]) -> TimedModel:
    return replace(model, network=model.network.only(sizes))


def _ms_per_sample(turn: Turn) -> float:
    """Mean of the whole network and of early exit with each policy."""
    runs = np.vstack([turn.exits_ms[:, -1:].T, turn.dynamic_ms])
    return float(runs.mean() / turn.index.shape[1])
