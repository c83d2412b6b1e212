"""Clocks for a CPU and a GPU, contestants timed in turn, and what their times come to."""

import gc
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol, TypeVar

import numpy as np
import torch

from dynp_plugins.errors import UserError

from .interval import Interval
from .statistics import percentile_interval
from .timing_records import Timing

T = TypeVar('T')

MIN_ROUNDS = 5
"""Fewer rounds say nothing about how much the times vary."""

_DRAWS = 2000
_DECIMALS = 4
"""Of milliseconds; no clock here tells a tenth of a microsecond."""


class Clock(Protocol):
    """Measures when the work of a device is done, at several points of one run."""

    def start(self) -> None:
        """Wait until the device is idle and begin."""
        ...

    def lap(self) -> None:
        """Note when all that was asked for since `start` is done."""
        ...

    def read(self) -> list[float]:
        """Milliseconds from `start` to each lap; waits for the device."""
        ...


class WallClock:
    """For work that is done when the call returns, as on a CPU.

    Args:
        now: Seconds so far.
    """

    def __init__(self, now: Callable[[], float] = time.perf_counter):
        self._now = now
        self._marks: list[float] = []

    def start(self) -> None:
        self._marks = [self._now()]

    def lap(self) -> None:
        self._marks.append(self._now())

    def read(self) -> list[float]:
        return [1000 * (mark - self._marks[0]) for mark in self._marks[1:]]


class CudaClock:
    """For a GPU: events in its queue, so that a lap does not make the program wait.

    Args:
        device: The GPU.
    """

    def __init__(self, device: torch.device):
        self._device = device
        self._events: list[torch.cuda.Event] = []

    def start(self) -> None:
        torch.cuda.synchronize(self._device)
        self._events = []
        self.lap()

    def lap(self) -> None:
        event = torch.cuda.Event(enable_timing=True)
        event.record(torch.cuda.current_stream(self._device))
        self._events.append(event)

    def read(self) -> list[float]:
        torch.cuda.synchronize(self._device)
        first, *laps = self._events
        return [first.elapsed_time(lap) for lap in laps]


def clock_for(device: torch.device) -> Clock:
    """The clock for work on a device.

    Raises:
        UserError: It is neither a CPU nor a GPU that torch calls ``cuda``.
    """
    if device.type == 'cuda':
        return CudaClock(device)
    if device.type != 'cpu':
        raise UserError(f'times can be taken on cpu and on cuda, not on {device.type}')
    return WallClock()


@dataclass(frozen=True)
class RoundLimits:
    """How often everything is timed.

    Attributes:
        rounds: At most so many rounds.
        warmup: Rounds before them whose times are dropped.
        seconds: No further round begins after so long, once there are `MIN_ROUNDS`; None is no
            limit.

    Raises:
        UserError: Too few rounds, or a negative number.
    """

    rounds: int
    warmup: int
    seconds: float | None = None

    def __post_init__(self) -> None:
        if self.rounds < MIN_ROUNDS:
            raise UserError(
                f'{self.rounds} rounds are too few for an interval: give at least {MIN_ROUNDS}'
            )
        if self.warmup < 0:
            raise UserError(f'{self.warmup} warm-up rounds: give 0 or more')
        if self.seconds is not None and not self.seconds >= 0:
            raise UserError(f'{self.seconds:g} seconds per batch size: give 0 or more')


def interleaved_rounds(
    contestants: Sequence[Callable[[int], T]],
    limits: RoundLimits,
    now: Callable[[], float] = time.monotonic,
) -> list[list[T]]:
    """Let contestants run in turn, A B C, B C A, C A B ...: what slows the machine slows them all.

    The order rotates because what ran just before leaves its traces in caches and memory.

    Args:
        contestants: Called with the number of the round, from 0; the warm-up has numbers of its
            own, also from 0.
        limits: How often.
        now: Seconds so far, for the time limit.

    Returns:
        What every contestant returned, round by round without the warm-up.
    """
    collecting = gc.isenabled()
    gc.collect()
    gc.disable()  # a collection would fall on some contestant by chance
    try:
        for number in range(limits.warmup):
            for run in contestants:
                run(number)
        answers: list[list[T]] = [[] for _ in contestants]
        begin = now()
        for number in range(limits.rounds):
            for i in rotated(range(len(contestants)), number):
                answers[i].append(contestants[i](number))
            done, over = number + 1, now() - begin
            if limits.seconds is not None and done >= MIN_ROUNDS and over >= limits.seconds:
                break
    finally:
        if collecting:
            gc.enable()
    return answers


def rotated(items: Sequence[T], steps: int) -> list[T]:
    """The items in order, beginning ``steps`` further on."""
    begin = steps % max(len(items), 1)
    return [*items[begin:], *items[:begin]]


def timing(times_ms: np.ndarray, batch_size: int, peak_memory_mb: float | None) -> Timing:
    """What repeated work comes to.

    Args:
        times_ms: (rounds, batches per round), the time of every batch.
        batch_size: Images in a batch.
        peak_memory_mb: Measured apart from the times.
    """
    times_ms = np.round(times_ms, _DECIMALS)
    p50, p90, p99 = (float(value) for value in np.percentile(times_ms, (50, 90, 99)))
    ms_per_image = float(np.median(times_ms.mean(1))) / batch_size
    return Timing(
        batch_size=batch_size,
        p50_ms=p50,
        p90_ms=p90,
        p99_ms=p99,
        ms_per_image=ms_per_image,
        images_per_second=1000 / ms_per_image,
        peak_memory_mb=peak_memory_mb,
        samples_ms=[float(value) for value in times_ms.flatten()],
        batches_per_round=times_ms.shape[1],
    )


def paired_ratio(numerator: np.ndarray, denominator: np.ndarray) -> tuple[float, Interval]:
    """The ratio of two contestants' times, and how sure it is.

    Both were timed in every round, so that the ratio of a round is free of what slowed them both.

    Args:
        numerator: (rounds,) milliseconds.
        denominator: (rounds,) milliseconds.

    Returns:
        The median over the rounds, and its 95 % interval from a bootstrap over the rounds.

    Raises:
        UserError: There are too few rounds.
    """
    ratios = np.asarray(numerator, float) / np.asarray(denominator, float)
    if len(ratios) < MIN_ROUNDS:
        raise UserError(
            f'{len(ratios)} rounds are too few for an interval: give at least {MIN_ROUNDS}'
        )
    drawn = np.random.default_rng(0).integers(len(ratios), size=(_DRAWS, len(ratios)))
    low, high = percentile_interval(np.median(ratios[drawn], axis=1))
    return float(np.median(ratios)), Interval(float(low), float(high))
