"""The two sides of `benchmarks.speed`, each made in a process of its own.

A side answers questions about one network: how many milliseconds a whole forward takes at some
batch size, its steps one by one, and a run in which given shares of the images leave at the exits.
"""

import time
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
from .timing import WallClock
from .timing_options import designed_size

FORWARD, STEPS, SHARES = 'forward', 'steps', 'shares'
STREAMED_BATCHES = 4
"""So many batches are run one after the other where images leave, as a stream of them has them."""


@dataclass(frozen=True)
class Question:
    """What a side is to time.

    Attributes:
        kind: `FORWARD`, `STEPS` or `SHARES`.
        batch_size: Images.
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


def plain_side(name: str, threads: int) -> Callable[[Question], list[float]]:
    """The baseline: the network as it was published, eager, in float32."""
    torch.set_num_threads(threads)
    images = _images(name)
    network = untrained(name, images[:8])

    def answer(question: Question) -> list[float]:
        with torch.inference_mode(), as_plain(network):
            return _timed(partial(network, images[: question.batch_size]))

    return answer


def our_side(name: str, threads: int, settings: OurSettings) -> Callable[[Question], list[float]]:
    """The network's compiled steps."""
    torch.set_num_threads(threads)
    images = _images(name)
    network = untrained(name, images[:8])
    steps = compile_steps(
        network,
        settings.backend,
        getattr(torch, settings.dtype),
        settings.batch_sizes,
        threads=threads,
    )
    policies: dict[tuple[float, ...], ExitPolicy] = {}

    def answer(question: Question) -> list[float]:
        batch = images[: question.batch_size]
        if question.kind == FORWARD:
            return _timed(partial(steps, batch))
        if question.kind == STEPS:
            return time_steps(steps, batch, WallClock())
        if question.shares not in policies:
            policies[question.shares] = policy_of_shares(steps, images, question.shares)
        return _time_shares(steps, images, question, policies[question.shares])

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
    logits, staying, thresholds = steps(images), torch.arange(len(images)), []
    for k, share in enumerate(shares[:-1]):
        confidence = measure([logits[k]])[staying]
        order = confidence.argsort(descending=True)
        leaving = min(round(share * len(images)), len(staying) - 1)
        thresholds.append(float(confidence[order[leaving - 1]]) if leaving else float('inf'))
        staying = staying[confidence < thresholds[-1]]
    return ExitPolicy(names, MEASURE, (*thresholds, ALWAYS))


def _images(name: str) -> Tensor:
    size = designed_size(name)
    return torch.randn(64, 3, size, size, generator=torch.Generator().manual_seed(0))


def _timed(run: Callable[[], object]) -> list[float]:
    begin = time.perf_counter()
    run()
    return [1000 * (time.perf_counter() - begin)]


def _time_shares(
    steps: CompiledSteps, images: Tensor, question: Question, policy: ExitPolicy
) -> list[float]:
    """Milliseconds of all images in batches, and the share of them that left at each exit."""
    engine = EarlyExitEngine(steps, policy)
    batches = list(images.split(question.batch_size)) * (
        STREAMED_BATCHES if question.batch_size == len(images) else 1
    )
    begin = time.perf_counter()
    if question.batch_size == 1:
        results = [engine(batch) for batch in batches]
    else:
        results = list(EarlyExitStream(engine, batch_size=steps.batch_sizes[-1])(batches))
    elapsed = 1000 * (time.perf_counter() - begin)
    exits = torch.cat([result.exit for result in results])
    left = exits.bincount(minlength=len(steps.exit_names)) / len(exits)
    return [elapsed / len(exits), *left.tolist()]
