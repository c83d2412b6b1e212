"""How long a sample takes from the stored file to the tensor that the network is given.

Samples of the test split are made ready one by one, in this process and without a data loader, as
one worker process of a data loader would do it: torch and OpenCV have one thread there. Times are
those of a warm file cache: a pass over the same samples goes before. The data preprocessor then
runs as it does beside the network, with all of torch's threads or on the GPU.

Nothing else runs meanwhile. A decoder that has threads of its own uses them. What is not in these
times is the way from a worker process to the process that computes.
"""

import copy
import gc
import logging
import time
from collections.abc import Callable, Iterable, Sequence

import numpy as np
import torch
from mmengine.dataset import pseudo_collate
from torch import nn
from torch.utils.data import Dataset

from dynp_plugins.openmmlab.sample_times import (
    as_in_a_worker,
    is_reading,
    other_steps_timed,
    pipelines_in,
    spread_evenly,
)

from .timed_samples import SampleSource, TimedSamples
from .timing import Clock, clock_for
from .timing_records import DataTime, StageTime

SAMPLES = 64
"""So many samples are made ready, unless somebody asks for another number."""

PASSES = 5
"""How often each of them is, after a first time that does not count."""

_DECIMALS = 4
_logger = logging.getLogger(__name__)


def measure_data_times(
    models: Sequence[TimedSamples],
    device: torch.device,
    samples: int = SAMPLES,
    now: Callable[[], float] = time.perf_counter,
    clock: Clock | None = None,
) -> list[DataTime | None]:
    """Time how samples are made ready; models that share their test pipeline share the times.

    Args:
        models: The models; of one whose ``source`` is not known there are no times.
        device: Where the networks are, and so the data preprocessors.
        samples: At most so many of a model's samples; 0 measures nothing.
        now: Seconds so far, for what the CPU does.
        clock: For that device; by default the one that suits it.
    """
    clock = clock or clock_for(device)
    found: dict[SampleSource, DataTime] = {}
    for model in models:
        if samples and model.source is not None and model.source not in found:
            chosen = [model.index[i] for i in spread_evenly(len(model.index), samples)]
            _logger.info('%s: making %d %ss ready', model.name, len(chosen), model.sample)
            found[model.source] = _data_time(model.source, chosen, device, now, clock)
    return [found.get(model.source) for model in models]


def _data_time(
    source: SampleSource,
    chosen: Sequence[int],
    device: torch.device,
    now: Callable[[], float],
    clock: Clock,
) -> DataTime:
    # On a copy: a CPU's preprocessor may be asked for more samples later.
    preprocessor = copy.deepcopy(source.preprocessor).to(device)
    steps = [step for pipeline in pipelines_in(source.dataset) for step in pipeline.transforms]
    gc.collect()  # what others have left is not to be cleared away in these passes
    passes = [
        _one_pass(source.dataset, preprocessor, chosen, now, clock) for _ in range(PASSES + 1)
    ]
    times = np.stack(passes[1:], 1)  # (stages, passes, samples)
    return DataTime(
        len(chosen),
        PASSES,
        *map(_stage_time, times),
        reading_steps=_names(step for step in steps if is_reading(step)),
        transform_steps=_names(step for step in steps if not is_reading(step)),
    )


def _stage_time(times_ms: np.ndarray) -> StageTime:
    """(passes, samples) milliseconds of one stage."""
    times_ms = np.round(times_ms, _DECIMALS)
    p50, p90 = (float(value) for value in np.percentile(times_ms, (50, 90)))
    mean = float(np.median(times_ms.mean(1)))
    return StageTime(mean, p50, p90, [float(value) for value in times_ms.flatten()])


@torch.inference_mode()
def _one_pass(
    dataset: Dataset,
    preprocessor: nn.Module,
    chosen: Sequence[int],
    now: Callable[[], float],
    clock: Clock,
) -> np.ndarray:
    """(3, samples) milliseconds: reading, the other steps, the data preprocessor."""
    rows = []
    with other_steps_timed(dataset, now) as spent:
        for index in chosen:
            with as_in_a_worker():
                spent[:] = [0.0]
                begin = now()
                packed = dataset[index]
                whole = now() - begin
            clock.start()
            preprocessor(pseudo_collate([packed]), training=False)
            clock.lap()
            (preprocessing,) = clock.read()
            rows.append((1000 * (whole - spent[0]), 1000 * spent[0], preprocessing))
    return np.array(rows).T


def _names(steps: Iterable[object]) -> list[str]:
    """Of their classes, each once."""
    return list(dict.fromkeys(type(step).__name__ for step in steps))
