"""At the end of a training, whether the data loader has kept up, and what to do if not."""

import math
import os
import time
from collections.abc import Callable

from mmengine.dist import is_main_process
from mmengine.hooks import Hook

from .sample_times import sample_times, spread_evenly

MUCH = 0.1
"""A share of the time above which the loader is worth changing."""

_SAMPLES, _SECONDS = 16, 2.0
"""At most so many samples are timed, and for about so long."""


class LoaderTimeHook(Hook):
    """Logs which share of the training went by waiting for batches.

    It adds up the ``data_time`` and the ``time`` that mmengine logs for every iteration. The first
    iteration of a run does not count, as it starts the workers and may compile. Time outside
    iterations, such as validation and writing checkpoints, does not count either.

    Beside it stands what waiting hides while workers keep up: how long a sample takes to be decoded
    and to be augmented. For that some training samples are made ready once more after the last
    iteration, in this process and in one thread.

    Args:
        now: Seconds so far.
    """

    priority = 'LOW'  # mmengine's IterTimerHook measures before it

    def __init__(self, now: Callable[[], float] = time.perf_counter):
        self._now = now
        self._iterations = 0
        self._waiting = self._whole = 0.0
        self._begun = False

    def after_train_iter(self, runner, batch_idx, data_batch=None, outputs=None) -> None:
        """Add up an iteration."""
        logged = runner.message_hub.log_scalars
        times = [logged.get('train/data_time'), logged.get('train/time')]
        if self._begun and all(one is not None for one in times):
            waiting, whole = (float(one.current()) for one in times)
            self._iterations += 1
            self._waiting += waiting
            self._whole += whole
        self._begun = True

    def after_train(self, runner) -> None:
        """Log it."""
        if not self._iterations or not is_main_process():
            return
        loader = runner.train_dataloader
        chosen = spread_evenly(len(loader.dataset), _SAMPLES)
        reading, others = sample_times(loader.dataset, chosen, _SECONDS, self._now) or (0.0, 0.0)
        runner.logger.info(
            loader_report(
                waiting=self._waiting / self._iterations,
                whole=self._whole / self._iterations,
                reading=reading,
                others=others,
                batch_size=loader.batch_size or loader.batch_sampler.batch_size,
                workers=loader.num_workers,
                cores=os.cpu_count() or 1,
            )
        )


def loader_report(
    waiting: float,
    whole: float,
    reading: float,
    others: float,
    batch_size: int,
    workers: int,
    cores: int,
) -> str:
    """One line on the loader.

    Args:
        waiting: Mean seconds of an iteration that went by waiting for the batch.
        whole: Mean seconds of an iteration.
        reading: Mean seconds that a sample takes to be read and decoded in one process.
        others: Mean seconds that its augmentation and the other steps take.
        batch_size: Samples of an iteration in this process.
        workers: Worker processes of the loader; 0 is none beside this process.
        cores: Of the machine.
    """
    share = waiting / whole
    text = (
        f'loader: {100 * share:.0f} % of the training time went by waiting for data, '
        f'{1000 * waiting:.1f} of {1000 * whole:.1f} ms per iteration of {batch_size} samples with '
        f'train_dataloader.num_workers={workers}; one process needs {1000 * reading:.1f} ms to '
        f'decode a sample and {1000 * others:.1f} ms to augment it'
    )
    if share <= MUCH:
        return text
    step = max(whole - waiting, 1e-9)
    needed = max(math.ceil(batch_size * (reading + others) / step), 1)
    if needed <= workers:
        advice = (
            'so many workers should do: where epochs are short, they spend their time on starting; '
            'persistent_workers=True avoids it, but a resumed run then draws other augmentations'
        )
    elif needed < cores:
        advice = f'set train_dataloader.num_workers={needed} to keep up'
    else:
        advice = (
            f'it would take {needed} workers to keep up, and there are {cores} cores: store the '
            'samples smaller, or augment them less'
        )
    return f'{text}. That is much: {advice}'
