"""What the early-exit engine costs beyond the network itself, as ratios of interleaved timings.

    python -m benchmarks.engine_overhead dyn_perceiver_regnety_800mf --threads 1
    python -m benchmarks.engine_overhead msdnet ranet --batch 64 --repeats 31 --clock cpu

Three questions, each a ratio:

- *nobody leaves*: a run with thresholds that nobody reaches, against ``forward``; once without
  thresholds (``NEVER``) and once with such that every exit has to look at its confidences;
- *half leave at the first exit*, against the ideal: the sum over the steps of the share of the
  samples still in times the step's time at the full batch size;
- the same against steps that were themselves run with the samples that are left, which shows what
  is the engine's and what comes from a smaller batch.

In every repeat each of them runs once, in random order, and gives one value of each ratio. The
table shows the median of these values with its 95 % interval, and the least and the greatest.
``forward`` against itself shows the noise. Weights and images are random, as the times hardly
depend on them.
"""

import argparse
import random
import statistics
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from dynp_plugins import create_model
from dynp_plugins.early_exit import (
    ALWAYS,
    NEVER,
    EarlyExitEngine,
    ExitPolicy,
    SteppedNetwork,
    confidence_measure,
)
from dynp_plugins.early_exit.survivors import select_rows
from dynp_plugins.errors import UserError, exits_on_user_error
from dynp_plugins.networks import MultiExitNetwork

from .timing import Clock, RoundLimits, interleaved_rounds
from .timing import paired_ratio as median_ratio
from .timing_options import chosen_clock, chosen_size, header, timing_arguments

FORWARD, AGAIN = 'forward', 'forward, again'
NEVER_LEAVE, LOOK = 'engine, no thresholds', 'engine, thresholds that nobody reaches'
HALF = 'engine, half leave at the first exit'
MEASURE = 'max_softmax'
_WARMUP = 2


@dataclass(frozen=True)
class Timings:
    """Milliseconds by repeat.

    Attributes:
        share: Of the images that go past the first exit where half are to leave.
        whole: By what was run.
        full_steps: (repeats, K) of each step at the full batch size, the start with the first.
        half_steps: (repeats, K - 1) of each later step with those that are left.
    """

    share: float
    whole: dict[str, Sequence[float]]
    full_steps: Sequence[list[float]]
    half_steps: Sequence[list[float]]

    @property
    def ideal(self) -> list[float]:
        """The share still in times the step's time at the full batch size, over the steps."""
        return [first + self.share * sum(later) for first, *later in self.full_steps]

    @property
    def compacted(self) -> list[float]:
        """Every step timed with the images that get there, over the steps."""
        steps = zip(self.full_steps, self.half_steps, strict=True)
        return [full[0] + sum(half) for full, half in steps]

    @property
    def ratios(self) -> dict[str, tuple[Sequence[float], Sequence[float]]]:
        """By question, the two times whose ratio answers it."""
        whole = self.whole
        return {
            f'{AGAIN} / {FORWARD}': (whole[AGAIN], whole[FORWARD]),
            f'{NEVER_LEAVE} / {FORWARD}': (whole[NEVER_LEAVE], whole[FORWARD]),
            f'{LOOK} / {FORWARD}': (whole[LOOK], whole[FORWARD]),
            f'{HALF} / ideal (share x step at full batch)': (whole[HALF], self.ideal),
            f'{HALF} / steps run with those left': (whole[HALF], self.compacted),
        }


@torch.no_grad()
def untrained(name: str, images: Tensor) -> MultiExitNetwork:
    """A network with random weights whose answers are of the usual size.

    Its BatchNorm statistics are those of the images; otherwise deep networks would be sure beyond
    float32, and everybody would leave.
    """
    torch.manual_seed(0)
    network = create_model(name).to(images.device)
    for module in network.modules():
        if isinstance(module, nn.modules.batchnorm._BatchNorm):
            module.momentum = None  # the mean over all batches seen
    network(images)
    return network.eval()


@torch.no_grad()
def measure_overhead(
    network: MultiExitNetwork, images: Tensor, repeats: int, clock: Clock
) -> Timings:
    """Time a network with and without the engine.

    Args:
        network: In eval mode.
        images: (B, 3, H, W); half of them leave at the first exit, or more if confidences are
            equal.
        repeats: How often everything is timed.
        clock: For the images' device.

    Raises:
        UserError: The network has one exit only, is too sure of its answers, or the repeats are
            too few.
    """
    names = network.exit_names
    if len(names) < 2:
        raise UserError('a network with one exit has nothing to leave early: name another')
    logits = network.step(0, network.start(images), [])[1]
    measure = confidence_measure(MEASURE)
    confidence = measure([logits])
    median = float(confidence.sort(descending=True).values[len(images) // 2 - 1])
    staying = (confidence < median).nonzero()[:, 0]
    _, unreached = measure.bounds(len(names), logits.shape[1])

    def engine(first: float, later: float, leaving: int) -> Callable[[], object]:
        thresholds = (first, *[later] * (len(names) - 2), ALWAYS)
        run = EarlyExitEngine(network, ExitPolicy(names, MEASURE, thresholds))
        left = run(images).exit.bincount(minlength=len(names)).tolist()
        if left != [leaving, *[0] * (len(names) - 2), len(images) - leaving]:
            raise UserError(f'{left} images leave by exit: these are too sure to measure with')
        return lambda: run(images)

    runs = {
        FORWARD: lambda: network(images),
        AGAIN: lambda: network(images),
        NEVER_LEAVE: engine(NEVER, NEVER, 0),
        LOOK: engine(unreached, unreached, 0),
        HALF: engine(median, unreached, len(images) - len(staying)),
    }
    jobs: list[Callable[[], Any]] = [
        *(lambda run=run: _time(run, clock) for run in runs.values()),
        lambda: time_steps(network, images, clock),
        lambda: time_steps(network, images, clock, staying),
    ]
    limits = RoundLimits(rounds=repeats, warmup=_WARMUP)
    (rounds,) = interleaved_rounds([lambda number: _in_random_order(jobs, number)], limits)
    *whole, full_steps, half_steps = zip(*rounds, strict=True)
    share = len(staying) / len(images)
    return Timings(share, dict(zip(runs, whole, strict=True)), full_steps, half_steps)


def _in_random_order(jobs: Sequence[Callable[[], Any]], number: int) -> list[Any]:
    """What the jobs return, by job.

    What has run just before leaves caches and freed memory behind: in a fixed order ``forward``
    differed from itself by 3 to 4 % on a CPU.
    """
    order = random.Random(number).sample(range(len(jobs)), len(jobs))
    answers = {i: jobs[i]() for i in order}
    return [answers[i] for i in range(len(jobs))]


def _time(run: Callable[[], object], clock: Clock) -> float:
    clock.start()
    run()
    clock.lap()
    return clock.read()[0]


def time_steps(
    network: SteppedNetwork, images: Tensor, clock: Clock, staying: Tensor | None = None
) -> list[float]:
    """Milliseconds of each step; with ``staying`` of each later step, for these images alone."""
    clock.start()
    state, new = network.step(0, network.start(images), [])
    logits = [new]
    if staying is None:
        clock.lap()
    else:
        state = {name: select_rows(value, staying) for name, value in state.items()}
        logits = [select_rows(new, staying)]
        clock.start()
    for k in range(1, len(network.exit_names)):
        state, new = network.step(k, state, logits)
        logits.append(new)
        clock.lap()
    laps = clock.read()
    return [end - begin for begin, end in zip([0.0, *laps], laps, strict=False)]


def table(timings: Timings) -> str:
    """All times and ratios as text."""
    lines = [_line('milliseconds', 'median', 'least', 'greatest')]
    lines += [_times_line(name, times) for name, times in timings.whole.items()]
    for k, times in enumerate(zip(*timings.full_steps, strict=True), 1):
        lines.append(_times_line(f'step {k}, full batch', times))
    for k, times in enumerate(zip(*timings.half_steps, strict=True), 2):
        lines.append(_times_line(f'step {k}, {100 * timings.share:g} % of the batch', times))
    lines += ['', _line('ratio', 'median', '95 % interval', 'least', 'greatest')]
    for question, (times, others) in timings.ratios.items():
        median, interval = median_ratio(times, others)
        ratios = [a / b for a, b in zip(times, others, strict=True)]
        lines.append(
            _line(
                question,
                f'{median:.3f}',
                f'{interval.low:.3f} .. {interval.high:.3f}',
                f'{min(ratios):.3f}',
                f'{max(ratios):.3f}',
            )
        )
    return '\n'.join(lines)


def _times_line(name: str, times: Sequence[float]) -> str:
    return _line(name, *(f'{t:.1f}' for t in (statistics.median(times), min(times), max(times))))


def _line(name: str, *cells: str) -> str:
    return f'{name:76}' + ''.join(f'{cell:>16}' for cell in cells)


def parse_args() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    return timing_arguments(parser, batch=64)


@exits_on_user_error
def main() -> None:
    args = parse_args()
    clock = chosen_clock(args.clock, torch.device(args.device))
    for name in args.names:
        size = chosen_size(args, name)
        images = torch.randn(args.batch, 3, size, size, device=args.device)
        timings = measure_overhead(untrained(name, images), images, args.repeats, clock)
        print(header(args, name, size))
        print(table(timings), end='\n\n', flush=True)


if __name__ == '__main__':
    main()
