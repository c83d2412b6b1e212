"""Which of the measured times are shown, and what they say."""

from dataclasses import dataclass

from benchmarks.latency_records import BatchLatency, DynamicLatency
from benchmarks.results import CurvePoint, ModelResult, Results

from .comparisons import rounded
from .findings import is_early_exit
from .times import measured, timed_batches


@dataclass(frozen=True)
class TimedBudget:
    """A budget of the curve at which early exit was really run and timed."""

    point: CurvePoint
    time: DynamicLatency


def common_batch_sizes(results: Results) -> list[int]:
    """Batch sizes that every timed model was timed at, rising; empty where nothing was timed."""
    timed = [timed_batches(model) for model in results.models if model.latency is not None]
    sizes = [{batch.batch_size for batch in batches} for batches in timed]
    return sorted(set.intersection(*sizes)) if sizes else []


def batch_latency(model: ModelResult, batch_size: int) -> BatchLatency | None:
    """The model's times at one batch size, if there are any."""
    batches = timed_batches(model)
    return next((batch for batch in batches if batch.batch_size == batch_size), None)


def timed_budgets(model: ModelResult, batch_size: int) -> list[TimedBudget]:
    """The timed budgets whose accuracy is known, because the same thresholds are on the curve."""
    batch = batch_latency(model, batch_size)
    if batch is None:
        return []
    points = [*model.points, *(one.point for one in model.operating_points)]
    runs = [(point, measured(batch, point)) for point in points]
    found = [TimedBudget(point, time) for point, time in runs if time is not None]
    once = {id(budget.time): budget for budget in reversed(found)}  # a policy may lie on the curve
    return sorted(once.values(), key=lambda budget: budget.point.target_gmacs)


def latency_finding(model: ModelResult, batch_size: int, name: str = '') -> str:
    """How fast early exit really is; empty where it was not timed.

    It speaks of the timed budget that is the most accurate on the calibration split, among those
    at which samples do leave at different exits.

    Args:
        model: The model.
        batch_size: One of its batch sizes.
        name: Of the model, if the sentence is to say it.
    """
    budgets = [b for b in timed_budgets(model, batch_size) if is_early_exit(model, b.point)]
    if not budgets:
        return ''
    best = max(budgets, key=lambda budget: budget.point.calibration_top1_percent)
    time = best.time
    ends = time.realised_interval.low, time.realised_interval.high
    numbers = (time.realised_speedup, *ends, time.predicted_speedup)
    realised, low, high, predicted = rounded(numbers, 2, 1.0)
    return (
        f'Early exit{f" of {name}" if name else ""} is {realised}x as fast as the full network in '
        f'batches of {batch_size}, with {best.point.top1_percent:.1f} % accuracy (95 % interval '
        f'{low} to {high}; predicted {predicted})'
    )
