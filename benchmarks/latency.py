"""Times of every exit, and of inference in which samples really leave early.

At each batch size all models run in turn, round by round. In its turn a model takes one large batch
of test images, or videos, or several small ones. On each batch it runs the whole network step by
step, with the clock read behind every exit, and then early exit with each of its policies. All that
is compared was so measured on the same samples, one right after the other.

The timed rounds run the warm-up's batches again and again: times are those of a steady state. It
matters on a CPU, where oneDNN prepares its kernels for every batch size that it has not met lately
and remembers ONEDNN_PRIMITIVE_CACHE_CAPACITY of them, 1024 by default; new sizes cost more.

A prediction from the exits' times is the best that early exit can do. What it leaves out is real:
reading confidences, making batches smaller, and that small batches use a machine less well.
"""

import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import combinations

import numpy as np
import torch
from torch import Tensor, nn

from dynp_plugins.early_exit import ExitPolicy, choose_exits
from dynp_plugins.errors import UserError

from .contestants import Contestant, Turn, run_engine, run_to_exit
from .latency_records import (
    BatchLatency,
    DynamicLatency,
    ExitLatency,
    LatencyRatio,
    ModelLatency,
)
from .peak_memory import peak_memory_mb
from .timed_models import TimedModel
from .timing import Clock, RoundLimits, clock_for, interleaved_rounds, paired_ratio, timing

MEASURE = 'max_softmax'
"""The confidence measure of the budgets' thresholds."""

_ROUNDING = {
    torch.float64: 1e-5,  # the table's confidences are float32
    torch.float32: 1e-5,
    torch.float16: 1e-2,
    torch.bfloat16: 5e-2,
}
"""By how much a confidence may differ from the exit table's, which was made in float32."""

_logger = logging.getLogger(__name__)


def measure_latency(
    models: Sequence[TimedModel],
    batch_sizes: Sequence[int],
    limits: RoundLimits,
    device: torch.device,
    clock: Clock | None = None,
) -> tuple[list[ModelLatency], list[LatencyRatio]]:
    """Time models against each other.

    Args:
        models: All on the same device.
        batch_sizes: Each is measured by itself.
        limits: How many rounds, for each batch size.
        device: Where the networks are.
        clock: For that device; by default the one that suits it.

    Returns:
        What was measured of each model; and for every pair of models the ratio of their whole
        networks' times.

    Raises:
        UserError: A batch size below 1, given twice, or above the number of images.
    """
    check_batch_sizes(batch_sizes)
    clock = clock or clock_for(device)
    groups = [
        [Contestant(model, size, device, clock, limits.warmup) for model in models]
        for size in batch_sizes
    ]
    batches: list[list[BatchLatency]] = [[] for _ in models]
    ratios = []
    for size, contestants in zip(batch_sizes, groups, strict=True):
        turns = interleaved_rounds(contestants, limits)
        _logger.info('batches of %d: %d rounds', size, len(turns[0]))
        for contestant, of_model, found in zip(contestants, turns, batches, strict=True):
            found.append(_batch_latency(contestant, of_model))
        ratios += _ratios(models, size, turns)
    return [
        ModelLatency(
            name=model.name,
            config_sha256=model.config_sha256,
            weights_sha256=model.weights_sha256,
            input_shape=list(model.images.shape[1:]),
            measure=MEASURE,
            batches=found,
        )
        for model, found in zip(models, batches, strict=True)
    ], ratios


def check_batch_sizes(batch_sizes: Sequence[int]) -> None:
    """Refuse what cannot be timed.

    Raises:
        UserError: A batch size is below 1, or there twice.
    """
    for size in batch_sizes:
        if size < 1:
            raise UserError(f'a batch size of {size}: give whole numbers of at least 1')
    if len(set(batch_sizes)) < len(batch_sizes):
        raise UserError(f'the batch sizes {", ".join(map(str, batch_sizes))} name one twice')


def _batch_latency(contestant: Contestant, turns: Sequence[Turn]) -> BatchLatency:
    """One model at one batch size, from its rounds."""
    model, size = contestant.model, contestant.batch_size
    images = contestant.first_batches()
    exits_ms = np.stack([turn.exits_ms for turn in turns])  # (rounds, B, K)
    exits = [
        ExitLatency(
            exit=name,
            gmacs=model.exit_gmacs[k],
            timing=timing(
                exits_ms[..., k],
                size,
                _peak(contestant, lambda batch, k=k: run_to_exit(model, batch, k), images[:1]),
            ),
        )
        for k, name in enumerate(model.network.exit_names)
    ]
    # Which images leave early decides on the memory: all batches of the first round are looked at.
    peaks = [
        _peak(contestant, lambda batch, engine=engine: run_engine(engine, batch), images)
        for engine in contestant.engines
    ]
    dynamic = [_dynamic_latency(contestant, p, turns, exits, peak) for p, peak in enumerate(peaks)]
    return BatchLatency(size, exits, dynamic)


def _peak(
    contestant: Contestant, run: Callable[[Tensor], object], batches: Sequence[Tensor]
) -> float | None:
    """The most memory that any of some batches needs; None where a backend keeps it to itself."""
    if not isinstance(contestant.model.network, nn.Module):
        return None
    peaks = [
        peak_memory_mb(lambda batch=batch: run(batch), contestant.model.network, batch)
        for batch in batches
    ]
    return None if None in peaks else max(peaks)


def _dynamic_latency(
    contestant: Contestant,
    p: int,
    turns: Sequence[Turn],
    exits: Sequence[ExitLatency],
    peak: float | None,
) -> DynamicLatency:
    """Policy number ``p`` of a model."""
    model = contestant.model
    timed, names = model.policies[p], model.network.exit_names
    times = np.stack([turn.dynamic_ms[p] for turn in turns])  # (rounds, B)
    whole = np.stack([turn.exits_ms[:, -1] for turn in turns])
    speedup, interval = paired_ratio(whole.sum(1), times.sum(1))
    index = np.concatenate([turn.index for turn in turns]).ravel()
    left = np.concatenate([turn.exit[p] for turn in turns]).ravel()
    said = np.concatenate([turn.prediction[p] for turn in turns]).ravel()
    shares = np.bincount(left, minlength=len(names)) / len(left)
    predicted = float(shares @ [exit.timing.ms_per_image for exit in exits])
    wrong = disagreements(model, timed.policy, index, left, said)
    if wrong.unexplained and model.dtype in (torch.float32, torch.float64):
        _logger.warning(
            '%s at %.4g GMACs: %d of %d %ss leave elsewhere, or are answered otherwise, than '
            'the exit table says, and no threshold is near',
            model.name,
            timed.target_gmacs,
            wrong.unexplained,
            len(np.unique(index)),
            model.sample,
        )
    return DynamicLatency(
        target_gmacs=timed.target_gmacs,
        thresholds=timed.policy.thresholds_by_exit,
        gmacs_mean=float(shares @ model.exit_gmacs),
        exit_shares={name: float(share) for name, share in zip(names, shares, strict=True)},
        timing=timing(times, contestant.batch_size, peak),
        predicted_ms_per_image=predicted,
        predicted_speedup=exits[-1].timing.ms_per_image / predicted,
        realised_speedup=speedup,
        realised_interval=interval,
        images=len(np.unique(index)),
        disagreements=wrong.images,
        near_threshold=wrong.near_threshold,
        measure=timed.policy.measure,
        method=timed.policy.method,
        policy=timed.file,
    )


@dataclass(frozen=True)
class Disagreements:
    """Samples that a run with early exits answered otherwise than the exit table says.

    Attributes:
        images: How many.
        near_threshold: Those that left elsewhere and whose confidence, where the two parted, lies
            so close to the threshold that rounding explains it.
    """

    images: int
    near_threshold: int

    @property
    def unexplained(self) -> int:
        return self.images - self.near_threshold


def disagreements(
    model: TimedModel,
    policy: ExitPolicy,
    index: np.ndarray,
    left: np.ndarray,
    said: np.ndarray,
) -> Disagreements:
    """Compare a run with the model's exit table.

    Args:
        model: The model.
        policy: When samples left.
        index: (N,) which test images were run; some may be there twice.
        left: (N,) index of the exit where each left.
        said: (N,) predicted classes.
    """
    thresholds = np.array(policy.thresholds)
    confidence = model.test.confidence(policy.measure)[index]
    expected = choose_exits(confidence, thresholds)
    moved = left != expected
    parted = np.minimum(left, expected)  # one of the two left there, the other did not
    distance = np.abs(confidence[np.arange(len(index)), parted] - thresholds[parted])
    near = moved & (distance <= _ROUNDING[model.dtype])
    wrong = moved | (said != model.test.prediction[index, expected])
    # An image that was run twice counts once, and as explained only if it always was.
    images, unexplained = np.unique(index[wrong]), np.unique(index[wrong & ~near])
    return Disagreements(len(images), len(images) - len(unexplained))


def _ratios(
    models: Sequence[TimedModel], batch_size: int, turns: Sequence[Sequence[Turn]]
) -> list[LatencyRatio]:
    """Every pair of models for samples of one kind, the whole network each."""
    whole = [np.array([turn.exits_ms[:, -1].sum() for turn in of_model]) for of_model in turns]
    pairs = combinations(zip(models, whole, strict=True), 2)
    return [
        LatencyRatio(one.name, other.name, batch_size, *paired_ratio(time, other_time))
        for (one, time), (other, other_time) in pairs
        if one.images.ndim == other.images.ndim  # a video takes longer than a picture
    ]
