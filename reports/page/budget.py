"""The budget slider: where it can stand, and what each model does with the budget it shows.

Nothing is interpolated. A model answers with its most expensive point whose target is within the
budget. All texts are written here, so that the page's script only has to put them in their places.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from benchmarks.curve_records import CurvePoint
from benchmarks.latency_records import BatchLatency
from benchmarks.results import ModelResult

from ..axes import CostUnit, three_digits
from ..findings import cost_percent, shown_point
from ..labels import typeset
from ..times import exit_ms, measured, predicted_ms, timed_batches
from .numbers import (
    NO_WIDTH,
    between,
    confidence_text,
    has_width,
    number,
    significant,
    speedup,
    sure,
)
from .page_panels import PagePanel

POSITIONS = 201
"""Of the slider, where the models' targets are not evenly spaced."""


FEW_SAMPLES = 10
"""A percentage of fewer is shown with their number."""


@dataclass(frozen=True)
class BudgetView:
    """What a panel's slider needs.

    Attributes:
        gmacs: The budgets, ascending.
        labels: The same as text.
        start: Which of them the page opens with.
        models: One entry per model.
    """

    gmacs: list[float]
    labels: list[str]
    start: int
    models: list['ModelBudgets']


@dataclass(frozen=True)
class ModelBudgets:
    """What one model says at each of its points, by ascending target.

    Attributes:
        targets: GMACs.
        x: Position on each horizontal axis by key, as in `plots.curve_chart`.
        heights: Percent, on the vertical axis; None where there is no mark.
        shares: By point and exit, percent of the test split.
        texts: By point, name of a field on the page to what it says; the first is read aloud.
        too_little: What is said where the budget is below the first target.
    """

    targets: list[float]
    x: dict[str, list[float | None]]
    heights: list[float | None]
    shares: list[list[float]]
    texts: list[dict[str, str]]
    too_little: str

    def chosen(self, budget: float) -> int | None:
        """Index of the most expensive point within ``budget`` GMACs; None if there is none."""
        within = [i for i, target in enumerate(self.targets) if target <= budget]
        return within[-1] if within else None


def budget_view(panel: PagePanel) -> BudgetView:
    """The slider of a panel."""
    budgets = budget_positions(panel.models)
    wanted = _starting_budget(panel.models)
    start = next((i for i, budget in enumerate(budgets) if budget >= wanted), len(budgets) - 1)
    return BudgetView(
        gmacs=budgets,
        labels=[typeset(panel.unit.cost(budget)) for budget in budgets],
        start=start,
        models=[model_budgets(model, panel.unit) for model in panel.models],
    )


def budget_positions(models: Sequence[ModelResult]) -> list[float]:
    """Where the slider of some models can stand."""
    return slider_positions([point.target_gmacs for model in models for point in model.points])


def slider_positions(targets: Sequence[float]) -> list[float]:
    """All targets if they are evenly spaced, else evenly spaced budgets.

    So the place of the slider is always proportional to the budget.
    """
    targets = sorted(set(targets))
    steps = np.diff(targets)
    if len(targets) <= POSITIONS and np.allclose(steps, steps.mean() if len(steps) else 0, 1e-6):
        return targets
    return np.linspace(targets[0], targets[-1], POSITIONS).tolist()


def _starting_budget(models: Sequence[ModelResult]) -> float:
    """For one model the budget that its texts speak of, else the middle of what all can do."""
    if len(models) == 1:
        return shown_point(models[0]).target_gmacs
    return starting_budget([[point.target_gmacs for point in model.points] for model in models])


def starting_budget(targets: Sequence[Sequence[float]]) -> float:
    """The middle of what all models can do, by model what it can be asked for.

    One that has a single point has no choice, and no say in it.
    """
    curves = [some for some in targets if len(some) > 1] or targets
    low, high = max(map(min, curves)), min(map(max, curves))
    return max(low, (low + high) / 2)


def model_budgets(model: ModelResult, unit: CostUnit) -> ModelBudgets:
    """One model's points as the slider shows them."""
    points = sorted(model.points, key=lambda point: point.target_gmacs)
    x = {'macs': [point.gmacs_mean * unit.per_giga for point in points]}
    for batch in timed_batches(model):
        x[f'ms-{batch.batch_size}'] = [predicted_ms(model, batch, point) for point in points]
    return ModelBudgets(
        targets=[point.target_gmacs for point in points],
        x=x,
        heights=[point.top1_percent for point in points],
        shares=[[100 * p.exit_shares[exit.name] for exit in model.exits] for p in points],
        texts=[point_texts(model, point, unit) for point in points],
        too_little=typeset(f'Not within this budget: needs {unit.cost(points[0].target_gmacs)}.'),
    )


def point_texts(model: ModelResult, point: CurvePoint, unit: CostUnit) -> dict[str, str]:
    """Every field about one point."""
    cost, interval = _cost_texts(point, unit)
    texts = {
        'top1': f'{point.top1_percent:.1f} %',
        'top1-number': number(point.top1_percent, 1),
        'top1-interval': sure(point.top1_interval),
        'cost': cost,
        'cost-interval': interval,
        'target': unit.cost(point.target_gmacs),
        'off-target': _off_target(point),
        'part': f'{cost_percent(point.gmacs_mean / model.exits[-1].gmacs)} %',
        'random': number(point.random_top1_percent, 1),
    }
    for k, exit in enumerate(model.exits):
        texts[f'share-{k}'] = f'{100 * point.exit_shares[exit.name]:.1f}'
        texts[f'right-{k}'] = right_text(model, point, exit.name)
        texts[f'threshold-{k}'] = threshold_text(model, point, k)
    for batch in timed_batches(model):
        texts |= _time_texts(model, batch, point)
    return {field: typeset(text) for field, text in texts.items()}


def threshold_text(model: ModelResult, point: CurvePoint, k: int, measure: str = '') -> str:
    """The confidence to reach at exit ``k``, by the model's measure unless another is named."""
    if k == len(model.exits) - 1:
        return 'all the rest'
    return confidence_text(point.thresholds.get(model.exits[k].name), measure or model.confidence)


def right_text(model: ModelResult, point: CurvePoint, exit: str) -> str:
    """How many percent are right of those who left at an exit, and of how many if these are few."""
    right = point.exit_top1_percent.get(exit)
    count = round(point.exit_shares[exit] * model.test.samples)
    few = right is not None and count < FEW_SAMPLES
    return number(right, 1) + (f' (n = {count})' if few else '')


def _time_texts(model: ModelResult, batch: BatchLatency, point: CurvePoint) -> dict[str, str]:
    """Predicted and, where that budget was really run, measured times."""
    size, run = batch.batch_size, measured(batch, point)
    predicted = predicted_ms(model, batch, point)
    whole = exit_ms(model, batch)[-1]
    texts = {
        f'predicted-{size}': significant(predicted),
        f'predicted-speedup-{size}': speedup(whole / predicted) if predicted else number(None),
        f'measured-{size}': number(None),
        f'measured-speedup-{size}': number(None),
        f'measured-interval-{size}': number(None),
    }
    if run is not None:
        texts |= {
            f'measured-{size}': significant(run.timing.ms_per_image),
            f'measured-speedup-{size}': speedup(run.realised_speedup),
            f'measured-interval-{size}': between(run.realised_interval),
        }
    return texts


def _off_target(point: CurvePoint) -> str:
    """Realised against requested."""
    off = 100 * (point.gmacs_mean / point.target_gmacs - 1) if point.target_gmacs else 0.0
    if abs(off) < 0.05:
        return 'on target'
    return f'{abs(off):.1f} % {"above" if off > 0 else "below"} it'


def _cost_texts(point: CurvePoint, unit: CostUnit) -> tuple[str, str]:
    """Mean cost and its interval, with the same decimals: as many as tell its ends apart."""
    ends = point.gmacs_interval.low * unit.per_giga, point.gmacs_interval.high * unit.per_giga
    mean = point.gmacs_mean * unit.per_giga
    decimals = three_digits(mean)
    if not has_width(point.gmacs_interval):
        return f'{mean:.{decimals}f} {unit.macs}', NO_WIDTH
    while decimals < 9 and len({f'{end:.{decimals}f}' for end in ends}) == 1:
        decimals += 1
    low, high = (f'{end:.{decimals}f}' for end in ends)
    return f'{mean:.{decimals}f} {unit.macs}', f'95 %: {low} to {high}'
