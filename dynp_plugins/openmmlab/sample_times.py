"""How long a dataset takes to make samples ready, reading and decoding apart from the rest."""

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import cv2
import numpy as np
import torch
from torch.utils.data import Dataset

from ..dataset_wrappers import datasets_in


def sample_times(
    dataset: Dataset,
    indices: Sequence[int],
    limit: float,
    now: Callable[[], float] = time.perf_counter,
) -> tuple[float, float] | None:
    """Mean seconds of reading and of the other steps of a sample, in this process alone.

    Args:
        dataset: Of mmengine's kind.
        indices: The samples; the first is made ready once more before, without being counted.
        limit: No further sample is begun after so many seconds.
        now: Seconds so far.

    Returns:
        None where there is no sample.
    """
    if not indices:
        return None
    whole, count, begin = 0.0, 0, now()
    with other_steps_timed(dataset, now) as spent, as_in_a_worker():
        dataset[indices[0]]
        spent[:] = [0.0]
        for index in indices:
            if count and now() - begin >= limit:
                break
            before = now()
            dataset[index]
            whole += now() - before
            count += 1
    return (whole - spent[0]) / count, spent[0] / count


def spread_evenly(total: int, count: int) -> list[int]:
    """At most ``count`` of the numbers below ``total``, the first and the last among them."""
    return sorted({round(i) for i in np.linspace(0, total - 1, min(count, total))})


def is_reading(step: object) -> bool:
    """Whether a step of a pipeline opens, reads or decodes a file, by what its class is called.

    That holds of the loading steps of mmcv, mmpretrain, mmaction2 and mmdet and of our own.
    """
    name = type(step).__name__
    return name.startswith(('Load', 'Open')) or name.endswith('Init') or 'Decode' in name


@contextmanager
def other_steps_timed(dataset: Dataset, now: Callable[[], float]) -> Iterator[list[float]]:
    """Within it, the seconds of all steps that are no reading add up in the one number given."""
    spent = [0.0]

    def timed(step: Callable[[Any], Any]) -> Callable[[Any], Any]:
        def run(data: Any) -> Any:
            begin = now()
            data = step(data)
            spent[0] += now() - begin
            return data

        return run

    pipelines = list(pipelines_in(dataset))
    before = [pipeline.transforms for pipeline in pipelines]
    try:
        for pipeline, steps in zip(pipelines, before, strict=True):
            pipeline.transforms = [step if is_reading(step) else timed(step) for step in steps]
        yield spent
    finally:
        for pipeline, steps in zip(pipelines, before, strict=True):
            pipeline.transforms = steps


def pipelines_in(dataset: Any) -> Iterator[Any]:
    """The pipelines of a data set, or of those that it is made of."""
    for part in datasets_in(dataset):
        pipeline = getattr(part, 'pipeline', None)
        if hasattr(pipeline, 'transforms'):
            yield pipeline


@contextmanager
def as_in_a_worker() -> Iterator[None]:
    """One thread for torch and for OpenCV, as PyTorch and our configs give a worker process."""
    of_torch, of_opencv = torch.get_num_threads(), cv2.getNumThreads()
    torch.set_num_threads(1)
    cv2.setNumThreads(0)
    try:
        yield
    finally:
        torch.set_num_threads(of_torch)
        cv2.setNumThreads(of_opencv)
