"""The two sides of `benchmarks.speed`, each made in a process of its own.

A side answers questions about one network: how many milliseconds a whole forward takes at some
batch size; its steps one by one, as a mean over all images; a run of all images in which given
shares of them leave at the exits; and, as a measure of the machine, how long a product of two
matrices takes.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial

import torch
from torch import Tensor

from dynp_plugins.early_exit import (
    ALWAYS,
    EarlyExitEngine,
    EarlyExitStream,
    ExitPolicy,
    confidence_measure,
)
from dynp_plugins.early_exit.compiled import CompiledSteps, compile_steps
from dynp_plugins.errors import UserError

from .engine_overhead import MEASURE, time_steps, untrained
from .plain_network import as_plain
from .timing import Clock, clock_for
from .timing_options import designed_size

FORWARD, STEPS, SHARES, PRODUCT = 'forward', 'steps', 'shares', 'product'
PRODUCT_SIDE = 1024
"""Rows and columns of the matrices."""
GPU_PRODUCTS = 100
"""So many products are timed together on a GPU, for which one is too short; on a CPU just one."""
STREAMED_BATCHES = 4
"""So often the largest batch is run, one after the other, as a stream has them."""


@dataclass(frozen=True)
class Question:
    """What a side is to time.

    Attributes:
        kind: `FORWARD`, `STEPS`, `SHARES` or `PRODUCT`.
        batch_size: Images; of a product, nothing.
        shares: Of the images that leave at each exit, for `SHARES`.
    """

    kind: str
    batch_size: int
    shares: tuple[float, ...] = ()


@dataclass(frozen=True)
class OurSettings:
    """How our side runs.

    Attributes:
        backend: See `compile_steps`, as the next two are.
        dtype: Name of a type of torch's.
        batch_sizes: Of the graphs.
    """

    backend: str
    dtype: str
    batch_sizes: tuple[int, ...]


@dataclass(frozen=True)
class Place:
    """Where both sides run.

    Attributes:
        device: As torch calls it.
        threads: Of a CPU.
        images: The largest batch.
    """

    device: str = 'cpu'
    threads: int = 1
    images: int = 64


def plain_side(name: str, place: Place) -> Callable[[Question], list[float]]:
    """The baseline: the network as it was published, eager, in float32 whatever our type is."""
    _settle(place)
    images = _images(name, place)
    network, clock = untrained(name, images[:8]), clock_for(images.device)

    def answer(question: Question) -> list[float]:
        with torch.inference_mode(), as_plain(network):
            return _timed(partial(network, images[: question.batch_size]), clock)

    return answer


def our_side(name: str, place: Place, settings: OurSettings) -> Callable[[Question], list[float]]:
    """The network's compiled steps."""
    _settle(place)
    images = _images(name, place)
    network, clock = untrained(name, images[:8]), clock_for(images.device)
    dtype = getattr(torch, settings.dtype)
    steps = compile_steps(network, settings.backend, dtype, settings.batch_sizes, place.threads)
    policies: dict[tuple[float, ...], ExitPolicy] = {}
    matrix = torch.randn(PRODUCT_SIDE, PRODUCT_SIDE, device=place.device).to(dtype)

    def answer(question: Question) -> list[float]:
        batch = images[: question.batch_size]
        if question.kind == FORWARD:
            return _timed(partial(steps, batch), clock)
        if question.kind == PRODUCT:
            return [_time_products(matrix, clock)]
        if question.kind == STEPS:
            laps = [time_steps(steps, one, clock) for one in _batches(images, question)]
            return [sum(times) / len(laps) for times in zip(*laps, strict=True)]
        if question.shares not in policies:
            policies[question.shares] = policy_of_shares(steps, images, question.shares)
        return _time_shares(steps, images, question, policies[question.shares], clock)

    return answer


def policy_of_shares(steps: CompiledSteps, images: Tensor, shares: Sequence[float]) -> ExitPolicy:
    """Thresholds with which these shares of ``images`` leave at the exits.

    Raises:
        UserError: There is not one share for each exit.
    """
    names = steps.exit_names
    if len(shares) != len(names):
        raise UserError(f'{len(shares)} shares for {len(names)} exits: give one for each')
    measure = confidence_measure(MEASURE)
    logits = [one.cpu() for one in steps(images)]
    staying, thresholds = torch.arange(len(images)), []
    for k, share in enumerate(shares[:-1]):
        confidence = measure([logits[k]])[staying]
        order = confidence.argsort(descending=True)
        leaving = min(round(share * len(images)), len(staying) - 1)
        thresholds.append(float(confidence[order[leaving - 1]]) if leaving else float('inf'))
        staying = staying[confidence < thresholds[-1]]
    return ExitPolicy(names, MEASURE, (*thresholds, ALWAYS))


def _settle(place: Place) -> None:
    """Threads, and float32 that is float32 on a GPU: no TF32, neither in products nor in cuDNN."""
    torch.set_num_threads(place.threads)
    torch.backends.cuda.matmul.allow_tf32 = False
    torch.backends.cudnn.allow_tf32 = False


def _images(name: str, place: Place) -> Tensor:
    size = designed_size(name)
    generator = torch.Generator().manual_seed(0)
    return torch.randn(place.images, 3, size, size, generator=generator).to(place.device)


def _batches(images: Tensor, question: Question) -> list[Tensor]:
    """All images in batches of the size that is asked for, the largest more than once."""
    batches = list(images.split(question.batch_size))
    return batches * STREAMED_BATCHES if len(batches) == 1 else batches


def _timed(run: Callable[[], object], clock: Clock) -> list[float]:
    clock.start()
    run()
    clock.lap()
    return clock.read()


def _time_products(matrix: Tensor, clock: Clock) -> float:
    """Milliseconds of a product of a matrix with itself."""
    count = 1 if matrix.device.type == 'cpu' else GPU_PRODUCTS
    (elapsed,) = _timed(lambda: [torch.mm(matrix, matrix) for _ in range(count)], clock)
    return elapsed / count


def _time_shares(
    steps: CompiledSteps, images: Tensor, question: Question, policy: ExitPolicy, clock: Clock
) -> list[float]:
    """Milliseconds of all images in batches, and the share of them that left at each exit."""
    engine, batches = EarlyExitEngine(steps, policy), _batches(images, question)
    clock.start()
    if question.batch_size == 1:
        results = [engine(batch) for batch in batches]
    else:
        results = list(EarlyExitStream(engine, batch_size=steps.batch_sizes[-1])(batches))
    clock.lap()
    (elapsed,) = clock.read()
    exits = torch.cat([result.exit for result in results])
    left = exits.bincount(minlength=len(steps.exit_names)) / len(exits)
    return [elapsed / len(exits), *left.tolist()]
