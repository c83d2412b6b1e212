"""How much faster a training step is than that of the network in its published form, by part.

    python -m benchmarks.training_speed dyn_perceiver_regnety_800mf --batch 32 --threads 1
    python -m benchmarks.training_speed msdnet --clock cpu --threads 1 --no-compile

The baseline is the network as most would write and train it: eager, float32, images and weights in
(B, C, H, W), attention by einsum, no shortcut (`benchmarks.plain_network`), an AdamW that is not
fused. Against it stand, each with a fused AdamW, ours as it is, under bfloat16 autocast, compiled,
and both: what ``tools/train.py`` does without options, with ``--amp``, with ``--compile``, and with
both.

The parts are the forward pass, the losses, the backward pass, and the update of the weights. In
every repeat each contestant makes one step, in turn, and gives one value of each ratio: the
baseline's time divided by its own. The table shows the median of these values with its 95 %
interval, and the least and the greatest. Weights, images and labels are random.
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

from .plain_network import as_plain
from .timing import Clock, RoundLimits, interleaved_rounds, paired_ratio
from .timing_options import add_timing_options, check_options, chosen_clock, chosen_size, header

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


def measure_training(
    network: MultiExitNetwork,
    images: Tensor,
    labels: Tensor,
    forms: Sequence[Form],
    repeats: int,
    clock: Clock,
) -> np.ndarray:
    """(forms, repeats, parts) milliseconds, the baseline first.

    Args:
        network: On the device of images and labels.
        images: (B, 3, H, W).
        labels: (B,).
        forms: Beside the baseline.
        repeats: How often everything is timed.
        clock: For the images' device.

    Raises:
        UserError: The repeats are too few, or there is no compiler for a form that needs one.
    """
    if any(form.compiled for form in forms):
        check_compiler(images.device)
    steps = [training_step(network, images, labels, form) for form in (BASELINE, *forms)]
    limits = RoundLimits(rounds=repeats, warmup=_WARMUP)
    return np.array(interleaved_rounds([lambda _, s=step: s(clock) for step in steps], limits))


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
    add_timing_options(parser, batch=32)
    parser.add_argument(
        '--no-compile', action='store_true', help='leave out the forms that are compiled'
    )
    return parser.parse_args()


@exits_on_user_error
def main() -> None:
    args = parse_args()
    check_options(args)
    if args.threads:
        torch.set_num_threads(args.threads)
    clock = chosen_clock(args)
    forms = [form for form in OURS if not (form.compiled and args.no_compile)]
    for name in args.names:
        size = chosen_size(args, name)
        torch.manual_seed(0)
        torch.compiler.reset()  # what was compiled for the network before
        network = create_model(name, num_classes=CLASSES).to(args.device)
        images = torch.randn(args.batch, 3, size, size, device=args.device)
        labels = torch.randint(CLASSES, (args.batch,), device=args.device)
        times = measure_training(network, images, labels, forms, args.repeats, clock)
        print(header(args, name, size))
        print(table(times, forms), end='\n\n', flush=True)


if __name__ == '__main__':
    main()
