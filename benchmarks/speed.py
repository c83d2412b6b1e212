"""How much faster compiled steps are than the network as most would write it, as ratios of one run.

    python -m benchmarks.speed
    python -m benchmarks.speed msdnet ranet --backend inductor --dtypes float32 --batches 64
    python -m benchmarks.speed --device cuda --dtypes float16 --batches 128 1 --graphs 1 128

The baseline is eager and in float32, whatever our type is: as published, images and weights in
(B, C, H, W), attention by einsum, no shortcut (`benchmarks.plain_network`). Each side has a process
of its own, the baseline with the allocator as it comes. On a GPU neither side may use TF32. The two
run in turn, and every round gives one value of each ratio; the table has the median of them, the
least and the greatest, beside the targets of this project, which are for a CPU. Four questions of a
network:

- *forward*: the time of all exits by the baseline, divided by ours;
- *arithmetic*: multiply-adds that we run in a second, divided by those of torch's product of two
  matrices of 1024 x 1024 in the same type and on as many threads. Near 1, nothing but fewer
  multiply-adds makes the network faster on this machine;
- *time share of an exit*: what has passed of our whole time when it answers, divided by its share
  of the MACs;
- *shares a/b/c/d*: with so many percent of the images leaving at the exits, the ideal time divided
  by the real one. The ideal is the share of the images still in times the time of the step for a
  whole batch, summed over the steps. Batches of one run one by one, larger ones as a stream.

Weights and images are random: the times hardly depend on them.
"""

import argparse
import os
import statistics
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, replace

import torch

from dynp_plugins import create_model
from dynp_plugins.early_exit.compiled import BACKENDS
from dynp_plugins.errors import UserError, exits_on_user_error
from dynp_plugins.networks.inference_form import inference_form
from dynp_plugins.warm_allocator import ENVIRONMENT

from .interleaved_processes import ContestantProcess
from .machine import check_device
from .macs import exit_costs
from .speed_sides import (
    FORWARD,
    PRODUCT,
    PRODUCT_SIDE,
    SHARES,
    STEPS,
    OurSettings,
    Place,
    Question,
    our_side,
    plain_side,
)
from .timing import MIN_ROUNDS, RoundLimits, interleaved_rounds

NETWORKS = (
    'dyn_perceiver_regnety_800mf',
    'dyn_perceiver_resnet50_0.375_t128',
    'dyn_perceiver_mobilenetv3_0.75_t128',
    'msdnet',
    'ranet',
)
FORWARD_TARGETS = {
    'float32': {64: 3.2, 16: 2.2, 1: 2.5},
    'bfloat16': {64: 5.5, 16: 4.0, 1: 4.0},
}
"""By type and batch size, at least so many times as fast as the baseline."""

DTYPES = (*FORWARD_TARGETS, 'float16')
FIRST_EXIT_TARGET, _EXIT_BATCH = 1.25, 64
SHARES_TARGETS = {64: 0.97, 1: 0.95}
EXIT_SHARES = ((0.5, 0.2, 0.1, 0.2), (0.8, 0.1, 0.05, 0.05), (0.25, 0.25, 0.25, 0.25))
_WARMUP = 1


@dataclass(frozen=True)
class Row:
    """A line of the table.

    Attributes:
        what: What was measured.
        ratios: One per round.
        target: What the median is to reach.
        at_most: Whether the target is an upper bound.
    """

    what: str
    ratios: Sequence[float]
    target: float | None = None
    at_most: bool = False

    @property
    def verdict(self) -> str:
        """Whether the target is met, and if not by how much it is missed."""
        median = statistics.median(self.ratios)
        if self.target is None:
            return ''
        if median <= self.target if self.at_most else median >= self.target:
            return 'met'
        return f'missed by {100 * abs(median / self.target - 1):.0f} %'


def measure(
    name: str, place: Place, settings: OurSettings, batches: Sequence[int], rounds: int
) -> Iterator[Row]:
    """All ratios of one network with one type; targets are for a CPU."""
    for row in _rows(name, place, settings, batches, rounds):
        yield row if place.device == 'cpu' else replace(row, target=None)


def _rows(
    name: str, place: Place, settings: OurSettings, batches: Sequence[int], rounds: int
) -> Iterator[Row]:
    limits = RoundLimits(rounds=rounds, warmup=_WARMUP)
    macs_run = _macs_run(name)
    with ExitStack() as stack:
        plain = stack.enter_context(ContestantProcess(plain_side, (name, place)))
        ours = stack.enter_context(
            ContestantProcess(our_side, (name, place, settings), ENVIRONMENT)
        )
        for batch in batches:
            question = Question(FORWARD, batch)
            slow, quick, product = interleaved_rounds(
                [
                    lambda _, q=question: plain(q)[0],
                    lambda _, q=question: ours(q)[0],
                    lambda _: ours(Question(PRODUCT, 0))[0],
                ],
                limits,
            )
            yield Row(
                f'forward, batch {batch}',
                [a / b for a, b in zip(slow, quick, strict=True)],
                FORWARD_TARGETS.get(settings.dtype, {}).get(batch),
            )
            work = batch * macs_run / PRODUCT_SIDE**3  # in products
            yield Row(
                f'arithmetic, batch {batch}',
                [work * one / time for one, time in zip(product, quick, strict=True)],
            )
        yield from _exit_rows(name, ours, batches, limits)


def _exit_rows(
    name: str, ours: ContestantProcess, batches: Sequence[int], limits: RoundLimits
) -> Iterator[Row]:
    """The exits' shares, and runs in which images leave."""
    network = create_model(name)
    size = network.backbone.image_size
    macs = [cost.macs for cost in exit_costs(network, (3, size, size))]
    if len(macs) == 1:
        return
    mixes = EXIT_SHARES if len(macs) == len(EXIT_SHARES[0]) else ()
    for batch in batches:
        questions = [Question(STEPS, batch), *(Question(SHARES, batch, mix) for mix in mixes)]
        laps, *runs = interleaved_rounds([lambda _, q=q: ours(q) for q in questions], limits)
        for k in range(len(macs) - 1):
            share = macs[k] / macs[-1]
            has_target = k == 0 and batch == _EXIT_BATCH
            yield Row(
                f'time share of exit {k + 1} / its share of MACs ({share:.2f}), batch {batch}',
                [sum(steps[: k + 1]) / sum(steps) / share for steps in laps],
                FIRST_EXIT_TARGET if has_target else None,
                at_most=has_target,
            )
        for mix, times in zip(mixes, runs, strict=True):
            yield Row(
                f'shares {"/".join(f"{100 * share:g}" for share in mix)}, batch {batch}',
                [
                    _ideal(steps, left) / batch / elapsed
                    for steps, (elapsed, *left) in zip(laps, times, strict=True)
                ],
                SHARES_TARGETS.get(batch),
            )


def _macs_run(name: str) -> float:
    """Multiply-adds of an image in the network's `inference_form`, all exits.

    What its first run makes once for all, the kernels of X2Z, does not count.
    """
    network = inference_form(create_model(name))
    size = network.backbone.image_size
    with torch.no_grad():
        network(torch.zeros(1, 3, size, size))
    return exit_costs(network, (3, size, size), shortcuts=True)[-1].macs


def _ideal(steps_ms: Sequence[float], left: Sequence[float]) -> float:
    """What a batch takes where ``left`` of it leave at the exits, without any loss."""
    still_in = [1 - sum(left[:k]) for k in range(len(left))]
    return sum(share * time for share, time in zip(still_in, steps_ms, strict=True))


def table(rows: Sequence[Row]) -> str:
    """The rows as text."""
    lines = [f'{"":68}{"median":>8}{"least":>8}{"greatest":>10}{"target":>8}']
    for row in rows:
        sign = '' if row.target is None else f'{"<=" if row.at_most else ">="} {row.target:g}'
        lines.append(
            f'{row.what:68}{statistics.median(row.ratios):8.2f}{min(row.ratios):8.2f}'
            f'{max(row.ratios):10.2f}{sign:>8}  {row.verdict}'.rstrip()
        )
    return '\n'.join(lines)


def parse_args() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument(
        'names', nargs='*', default=NETWORKS, metavar='NAME', help='of dynp_plugins.list_models()'
    )
    parser.add_argument('--backend', choices=BACKENDS, help='default openvino, on a GPU inductor')
    parser.add_argument('--device', default='cpu', help='such as cuda (default %(default)s)')
    parser.add_argument(
        '--dtypes',
        nargs='+',
        choices=DTYPES,
        default=[*FORWARD_TARGETS],
        help='default float32 bfloat16',
    )
    parser.add_argument(
        '--batches', nargs='+', type=int, default=[64, 16, 1], metavar='B', help='64 16 1'
    )
    parser.add_argument(
        '--graphs',
        nargs='+',
        type=int,
        default=[1, 8],
        metavar='B',
        help="batch sizes of our side's graphs (default 1 8)",
    )
    parser.add_argument('--threads', type=int, default=1, metavar='N', help='default %(default)s')
    parser.add_argument(
        '--rounds', type=int, default=MIN_ROUNDS, metavar='N', help='default %(default)s'
    )
    args = parser.parse_args()
    if min(args.batches) < 1:
        raise UserError(f'--batches {min(args.batches)}: give sizes of at least 1')
    args.device = str(check_device(args.device))
    args.backend = args.backend or ('openvino' if args.device == 'cpu' else 'inductor')
    return args


@exits_on_user_error
def main() -> None:
    args = parse_args()
    print(
        f'{args.device}, {args.threads} threads, {os.cpu_count()} CPUs, {args.rounds} rounds, '
        f'backend {args.backend}, torch {torch.__version__}',
        flush=True,
    )
    place = Place(args.device, args.threads, max(*args.batches, 8))
    for name in args.names:
        for dtype in args.dtypes:
            settings = OurSettings(args.backend, dtype, tuple(args.graphs))
            rows = list(measure(name, place, settings, args.batches, args.rounds))
            heading = f'\n{name}, ours in {dtype}, baseline in float32'
            print(heading, table(rows), sep='\n', flush=True)


if __name__ == '__main__':
    main()
