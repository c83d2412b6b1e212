"""Times of a model's budgets: predicted from its exits' times, and those that were measured."""

import math
from collections.abc import Sequence

from benchmarks.curve_records import CurvePoint
from benchmarks.latency_records import BatchLatency, DynamicLatency
from benchmarks.results import ModelResult


def batch_sizes(models: Sequence[ModelResult]) -> list[int]:
    """All batch sizes at which some model was timed, ascending."""
    return sorted({batch.batch_size for model in models for batch in timed_batches(model)})


def timed_batches(model: ModelResult) -> list[BatchLatency]:
    """The batch sizes at which every exit of the model was timed, ascending."""
    if model.latency is None:
        return []
    names = {exit.name for exit in model.exits}
    complete = [b for b in model.latency.batches if names <= {e.exit for e in b.exits}]
    return sorted(complete, key=lambda batch: batch.batch_size)


def exit_ms(model: ModelResult, batch: BatchLatency) -> list[float]:
    """Milliseconds per sample when all leave at one exit, by exit of the model."""
    times = {exit.exit: exit.timing.ms_per_image for exit in batch.exits}
    return [times[exit.name] for exit in model.exits]


def predicted_ms(model: ModelResult, batch: BatchLatency, point: CurvePoint) -> float:
    """Milliseconds per sample: the exits' times weighted by the shares of the test split."""
    shares = [point.exit_shares[exit.name] for exit in model.exits]
    return sum(s * t for s, t in zip(shares, exit_ms(model, batch), strict=True))


def measured(batch: BatchLatency, point: CurvePoint) -> DynamicLatency | None:
    """The run of real early exit with a budget's thresholds, if there was one."""
    for run in batch.dynamic:
        same = math.isclose(run.target_gmacs, point.target_gmacs, rel_tol=1e-6)
        if same and _close(run.thresholds, point.thresholds):
            return run
    return None


def _close(one: dict[str, float | None], other: dict[str, float | None]) -> bool:
    """Whether two sets of thresholds are the same but for rounding."""
    if one.keys() != other.keys():
        return False
    for name, a in one.items():
        b = other[name]
        if (a is None) != (b is None):
            return False
        if a is not None and b is not None and not math.isclose(a, b, rel_tol=1e-5, abs_tol=1e-6):
            return False
    return True


def batch_name(size: int, sample: str = 'image') -> str:
    """How a batch size is called."""
    return f'one {sample} at a time' if size == 1 else f'in batches of {size}'
