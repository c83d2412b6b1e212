"""Which batch size the graphs of compiled steps are the fastest with, measured for each model.

Compiled steps cut every batch into those that they have graphs for. Small ones stay in the caches
of a CPU, large ones spare calls; which is better depends on network, backend, type and machine.
Every size runs the same large batches through all steps, as the engine runs them, in turn and round
by round.
"""

import logging
from collections.abc import Callable, Sequence
from dataclasses import replace

import numpy as np
import torch
from torch import Tensor

from dynp_plugins.errors import UserError

from .contestants import time_exits
from .latency_records import GraphTime, Tuning
from .timed_models import TimedModel
from .timing import Clock, RoundLimits, clock_for, interleaved_rounds

CANDIDATES = (1, 2, 4, 8, 16, 32, 64)

_logger = logging.getLogger(__name__)


def candidate_sizes(wanted: Sequence[int], batch_size: int) -> list[int]:
    """The sizes that are worth timing, rising: 1, and what fits into a batch.

    Args:
        wanted: Samples in a graph's batch.
        batch_size: Samples in the largest batch that is to be run.

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
        The model with graphs of size 1 and of the best size alone, and what was measured.
    """
    clock = clock or clock_for(device)
    images = model.images[:batch_size].to(device)
    contestants = [_contestant(model, size, images, clock) for size in sizes]
    times = np.array(interleaved_rounds(contestants, limits)) / len(images)  # (sizes, rounds)
    medians = np.median(times, axis=1)
    best = int(medians.argmin())
    ratios = np.median(times / times[best], axis=1)
    found = [
        GraphTime(size, float(median), float(of_size.min()), float(of_size.max()), float(ratio))
        for size, median, of_size, ratio in zip(sizes, medians, times, ratios, strict=True)
    ]
    graph_sizes = sorted({1, sizes[best]})
    _logger.info('%s: graphs of %s are the best', model.name, ' and '.join(map(str, graph_sizes)))
    tuned = replace(model, network=model.network.only(graph_sizes))
    return tuned, Tuning(len(images), times.shape[1], found, graph_sizes)


def _contestant(
    model: TimedModel, size: int, images: Tensor, clock: Clock
) -> Callable[[int], float]:
    """All steps in graphs of one size; a call gives the milliseconds of the whole batch."""
    alone = replace(model, network=model.network.only([size]))
    return lambda _: time_exits(alone, images, clock)[-1]
