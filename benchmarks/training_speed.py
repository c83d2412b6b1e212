"""How much faster a training step is than that of the network in its published form, by part.

    python -m benchmarks.training_speed dyn_perceiver_regnety_800mf --batch 32 --threads 1
    python -m benchmarks.training_speed msdnet --clock cpu --threads 1 --no-compile

The baseline is the network as most would write and train it: eager, float32, images and weights in
(B, C, H, W), attention by einsum, no shortcut (`benchmarks.plain_network`), an AdamW that is not
fused. Against it stand, each with a fused AdamW, ours as it is, under bfloat16 autocast, compiled,
and both: what ``tools/train.py`` does without options, with ``--amp``, with ``--compile``, and with
both.

The parts are the forward pass, the losses, the backward pass, and the update of the weights. The
baseline has a process of its own with the allocator as it comes; ours have another one that keeps
freed memory, as ``tools/train.py`` does. In every repeat each contestant makes one step, in turn,
and gives one value of each ratio: the baseline's time divided by its own. The table shows the
median of these values with its 95 % interval, and the least and the greatest. Weights, images and
labels are random.
"""

import argparse
import copy
import statistics
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from dynp_plugins import create_model
from dynp_plugins.errors import exits_on_user_error
from dynp_plugins.networks import MultiExitNetwork
from dynp_plugins.openmmlab.compiled_training import check_compiler, compile_parts
from dynp_plugins.openmmlab.losses import MultiExitLoss
from dynp_plugins.warm_allocator import ENVIRONMENT

from .interleaved_processes import ContestantProcess
from .plain_network import as_plain
from .timing import Clock, RoundLimits, interleaved_rounds, paired_ratio
from .timing_options import chosen_clock, chosen_size, header, settle_threads, timing_arguments

PARTS = ('forward', 'loss', 'backward', 'optimizer')
CLASSES = 1000
_WARMUP = 2
_LR = 1e-4
"""Small, so that random labels do not drive the weights anywhere within a benchmark."""


@dataclass(frozen=True)
class Form:
    """A way to train.

    Attributes:
        name: For the table.
        plain: As `as_plain` says, with an optimizer that is not fused.
        bfloat16: Under autocast.
        compiled: As `CompiledTrainingHook` does it.
    """

    name: str
    plain: bool = False
    bfloat16: bool = False
    compiled: bool = False


BASELINE = Form('published form, eager float32', plain=True)
OURS = (
    Form('ours, float32'),
    Form('ours, bfloat16', bfloat16=True),
    Form('ours, compiled float32', compiled=True),
    Form('ours, compiled bfloat16', bfloat16=True, compiled=True),
)


def training_step(
    network: MultiExitNetwork, images: Tensor, labels: Tensor, form: Form
) -> Callable[[Clock], list[float]]:
    """A step of training that tells the milliseconds of its `PARTS`.

    Args:
        network: On the images' device; a copy of it is trained.
        images: (B, 3, H, W).
        labels: (B,).
        form: How.
    """
    network = copy.deepcopy(network).train()
    loss = MultiExitLoss()
    optimizer = torch.optim.AdamW(network.parameters(), lr=_LR, fused=not form.plain)
    if form.compiled:
        compile_parts([network.backbone, network.heads, loss])

    def step(clock: Clock) -> list[float]:
        with ExitStack() as stack:
            if form.plain:
                stack.enter_context(as_plain(network))
            clock.start()
            with torch.autocast(images.device.type, torch.bfloat16, enabled=form.bfloat16):
                logits = [one.float() for one in network(images)]
                clock.lap()
                total = sum(loss(logits, labels, network.exit_names).values())
                clock.lap()
            total.backward()
            clock.lap()
            optimizer.step()
            optimizer.zero_grad()
            clock.lap()
            laps = clock.read()
        return [end - begin for begin, end in zip([0.0, *laps], laps, strict=False)]

    return step


@dataclass(frozen=True)
class Training:
    """What is trained, and how it is timed.

    Attributes:
        name: Of `create_model`.
        batch: Images.
        size: Their side.
        device: As torch calls it.
        threads: Of torch on a CPU; None leaves them as they are.
        clock: See `chosen_clock`.
    """

    name: str
    batch: int
    size: int
    device: str = 'cpu'
    threads: int | None = None
    clock: str = 'wall'


def training_side(training: Training, forms: Sequence[Form]) -> Callable[[int], list[float]]:
    """A process that makes steps of training.

    Args:
        training: What and how.
        forms: The same network is trained in each of them.

    Returns:
        Takes the index of a form; gives the milliseconds of its step's `PARTS`.

    Raises:
        UserError: There is no compiler for a form that needs one.
    """
    settle_threads(training.threads)
    device = torch.device(training.device)
    if any(form.compiled for form in forms):
        check_compiler(device)
    clock = chosen_clock(training.clock, device)
    torch.manual_seed(0)
    network = create_model(training.name, num_classes=CLASSES).to(device)
    images = torch.randn(training.batch, 3, training.size, training.size, device=device)
    labels = torch.randint(CLASSES, (training.batch,), device=device)
    steps = [training_step(network, images, labels, form) for form in forms]
    return lambda index: steps[index](clock)


def measure_training(training: Training, forms: Sequence[Form], repeats: int) -> np.ndarray:
    """(1 + forms, repeats, parts) milliseconds, the baseline first.

    Args:
        training: What and how.
        forms: Beside the baseline.
        repeats: How often everything is timed.

    Raises:
        UserError: The repeats are too few, or there is no compiler for a form that needs one.
    """
    limits = RoundLimits(rounds=repeats, warmup=_WARMUP)
    with (
        ContestantProcess(training_side, (training, forms), ENVIRONMENT) as ours,
        ContestantProcess(training_side, (training, (BASELINE,))) as baseline,
    ):
        runs = [
            lambda _: baseline(0),
            *(lambda _, index=k: ours(index) for k in range(len(forms))),
        ]
        return np.array(interleaved_rounds(runs, limits))


def table(times_ms: np.ndarray, forms: Sequence[Form]) -> str:
    """All times and ratios as text.

    Args:
        times_ms: See `measure_training`.
        forms: As given there.
    """
    lines = [_line('milliseconds', *PARTS, 'whole step')]
    for form, times in zip((BASELINE, *forms), times_ms, strict=True):
        medians = [statistics.median(part) for part in (*times.T, times.sum(1))]
        lines.append(_line(form.name, *(f'{median:.1f}' for median in medians)))
    slow = times_ms[0]
    for form, times in zip(forms, times_ms[1:], strict=True):
        title = f'{form.name}: times as fast'
        lines += ['', _line(title, 'median', '95 % interval', 'least', 'greatest')]
        for k, part in enumerate(PARTS):
            lines.append(_ratio_line(part, slow[:, k], times[:, k]))
        lines.append(_ratio_line('whole step', slow.sum(1), times.sum(1)))
    return '\n'.join(lines)


def _ratio_line(part: str, slow: np.ndarray, quick: np.ndarray) -> str:
    median, interval = paired_ratio(slow, quick)
    ratios = slow / quick
    return _line(
        part,
        f'{median:.2f}',
        f'{interval.low:.2f} .. {interval.high:.2f}',
        f'{ratios.min():.2f}',
        f'{ratios.max():.2f}',
    )


def _line(name: str, *cells: str) -> str:
    return f'{name:40}' + ''.join(f'{cell:>16}' for cell in cells)


def parse_args() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument(
        '--no-compile', action='store_true', help='leave out the forms that are compiled'
    )
    return timing_arguments(parser, batch=32)


@exits_on_user_error
def main() -> None:
    args = parse_args()
    forms = [form for form in OURS if not (form.compiled and args.no_compile)]
    for name in args.names:
        size = chosen_size(args, name)
        training = Training(name, args.batch, size, args.device, args.threads, args.clock)
        times = measure_training(training, forms, args.repeats)
        print(header(args, name, size))
        print(table(times, forms), end='\n\n', flush=True)


if __name__ == '__main__':
    main()
