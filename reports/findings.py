"""What the numbers say, in one plain sentence each; every sentence is true of the data it is given.

Which budget a sentence speaks of is chosen by the calibration split, as everything else is; the
numbers in it are those of the test split.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import pairwise

from benchmarks.detection_records import DetectorResult
from benchmarks.results import CurvePoint, ModelResult, Results

from .axes import CostUnit, cost_unit
from .comparisons import panel_finding
from .detection import findings as detection
from .detection.panels import detector_panels
from .labels import listed, one_line
from .panels import Panel, panels, sample_word

MOST_COST = 80
"""A saving is a headline when it leaves at most this percentage of the full network's MACs ..."""

LEAST_ACCURACY = 90
"""... and at least this percentage of its accuracy."""

WORTH_OF_ACCURACY = 10
"""Of two savings, one that keeps 1 % more accuracy may cost up to this many % of the MACs more."""


@dataclass(frozen=True)
class Saving:
    """A budget that keeps most of the accuracy for clearly fewer MACs.

    Attributes:
        point: The budget.
        accuracy_share: Its top-1 accuracy divided by that of the last exit for every sample.
        cost_share: Its mean MACs divided by those of the last exit.
    """

    point: CurvePoint
    accuracy_share: float
    cost_share: float

    @property
    def accuracy_percent(self) -> int:
        """`accuracy_share` in whole percent, rounded down so that it claims nothing extra."""
        return math.floor(100 * self.accuracy_share + 1e-9)

    @property
    def cost_percent(self) -> int:
        """`cost_share` in whole percent, rounded up."""
        return cost_percent(self.cost_share)

    def sentence(self) -> str:
        """The headline."""
        accuracy = self.accuracy_percent
        kept = "The full network's" if accuracy >= 100 else f"{accuracy} % of the full network's"
        return f'{kept} accuracy at {self.cost_percent} % of its MACs'


def best_saving(model: ModelResult) -> Saving | None:
    """The saving to report, if there is one, measured on the test split.

    It is the budget that gives most MACs for least accuracy on the calibration split; accuracy
    above the full network's counts as equal to it. A budget at which one of several exits answers
    everybody is none: that is a smaller network without early exits.
    """
    full = model.exits[-1]
    if min(full.calibration_top1_percent, full.test_top1_percent, full.gmacs) <= 0:
        return None
    on_calibration = [
        Saving(
            point,
            point.calibration_top1_percent / full.calibration_top1_percent,
            point.calibration_gmacs_mean / full.gmacs,
        )
        for point in model.points
        if is_early_exit(model, point)
    ]

    def price(saving: Saving) -> tuple[float, float]:
        accuracy = min(saving.accuracy_percent, 100)
        return saving.cost_percent - WORTH_OF_ACCURACY * accuracy, -saving.accuracy_share

    chosen = min(filter(_is_headline, on_calibration), key=price, default=None)
    if chosen is None:
        return None
    point = chosen.point
    on_test = Saving(
        point, point.top1_percent / full.test_top1_percent, point.gmacs_mean / full.gmacs
    )
    return on_test if _is_headline(on_test) else None


def is_early_exit(model: ModelResult, point: CurvePoint) -> bool:
    """Whether samples leave at different exits, as far as the model has several."""
    return len(model.exits) == 1 or max(point.exit_shares.values()) < 1 - 1e-9


def cost_percent(share: float) -> int:
    """A share of the full network's MACs in whole percent, rounded up; the same everywhere."""
    return math.ceil(100 * share - 1e-9)


def _is_headline(saving: Saving) -> bool:
    return saving.cost_percent <= MOST_COST and saving.accuracy_percent >= LEAST_ACCURACY


def model_finding(model: ModelResult, unit: CostUnit) -> str:
    """What one model's curve says."""
    saving = best_saving(model)
    if saving:
        return saving.sentence()
    low, high = _ends(model)
    if low == high:
        return f'Top-1 is {low.top1_percent:.1f} % at {unit.cost(low.gmacs_mean)}'
    return (
        f'Top-1 goes from {low.top1_percent:.1f} % at {unit.cost(low.gmacs_mean)} '
        f'to {high.top1_percent:.1f} % at {unit.cost(high.gmacs_mean)}'
    )


def results_finding(results: Results) -> str:
    """What the whole comparison says; for one model, what its curve says."""
    groups, detectors = panels(results), detector_panels(results)
    if len(groups) + len(detectors) == 1:
        if groups:
            return group_finding(groups[0], results)
        return detection.group_finding(detectors[0], results)
    models = [*results.models, *results.detectors]
    splits = len(groups) + len(detectors)
    tasks = tasks_of(results)
    if splits == len(models) == len(tasks):
        names = listed([one_line(task, 40) for task in tasks])
        return f'{splits} models for different tasks, {names}: not to be compared'
    if splits == len(models):
        samples = f'{sample_word(models)}s'
        return f'{splits} models, tested on different {samples}: not to be compared'
    return (
        f'{len(models)} models on {splits} test splits: only those of the same split are compared'
    )


def tasks_of(results: Results) -> list[str]:
    """All tasks, in order of first appearance."""
    return list(dict.fromkeys(model.task for model in (*results.models, *results.detectors)))


def of_task(results: Results, task: str) -> Results:
    """The same results with the models and detectors of one task alone, and no comparisons."""
    return replace(
        results,
        models=[model for model in results.models if model.task == task],
        detectors=[detector for detector in results.detectors if detector.task == task],
        comparisons=[],
        detector_comparisons=[],
    )


def group_finding(panel: Panel, results: Results) -> str:
    """What the models that were tested on the same samples say."""
    if len(panel.models) == 1:
        return model_finding(panel.models[0], cost_unit(results, panel.models))
    return panel_finding(panel, results)


def training_finding(results: Results) -> str:
    """Whether the models of each task were trained alike; nothing of those that do not say.

    Where there are several tasks, each has a sentence that names it.
    """
    tasks = tasks_of(results)
    if len(tasks) == 1:
        return _training_finding([*results.models, *results.detectors])
    said = []
    for task in tasks:
        part = of_task(results, task)
        if found := _training_finding([*part.models, *part.detectors]):
            said.append(f'{one_line(task, 40).capitalize()}: {found[0].lower()}{found[1:]}')
    return '. '.join(said)


def _training_finding(models: Sequence[ModelResult | DetectorResult]) -> str:
    """Empty where nothing is known of one of them."""
    records = [model.training for model in models]
    if any(record is None or record.epochs is None for record in records):
        return ''
    parts = {
        'data': {record.dataset for record in records},
        'epochs': {record.epochs for record in records},
        'optimizer': {record.optimizer for record in records},
    }
    different = [name for name, values in parts.items() if len(values) > 1]
    if different:
        return f'These models were not trained alike: they differ in {" and ".join(different)}'
    first = records[0]
    count = 'Both' if len(records) == 2 else f'All {len(records)}'
    number = 'Trained' if len(records) == 1 else f'{count} models were trained'
    return f'{number} on {first.dataset} for {first.epochs} epochs with {first.optimizer}'


def shown_point(model: ModelResult) -> CurvePoint:
    """The budget that the texts speak of: that of `best_saving`, else the one in the middle."""
    saving = best_saving(model)
    if saving:
        return saving.point
    low, high = _ends(model)
    middle = (low.gmacs_mean + high.gmacs_mean) / 2
    points = [point for point in model.points if is_early_exit(model, point)] or model.points
    return min(points, key=lambda point: abs(point.gmacs_mean - middle))


def leaving_finding(model: ModelResult, unit: CostUnit) -> str:
    """How many samples leave before the end, at `shown_point`."""
    point, last = shown_point(model), model.exits[-1].name
    early = math.floor(100 * (1 - point.exit_shares[last]) + 1e-9)
    return (
        f'At {unit.cost(point.gmacs_mean)} per {unit.sample}, {early} % of the test '
        f'{unit.sample}s leave before the last exit'
    )


def exits_finding(model: ModelResult) -> str:
    """Which exit is the most accurate when every sample leaves there."""
    accuracies = [exit.test_top1_percent for exit in model.exits]
    first, last = model.exits[0], model.exits[-1]
    best = model.exits[accuracies.index(max(accuracies))]
    if len(model.exits) == 1:
        return f'The only exit, {one_line(last.name, 40)}, reaches {accuracies[0]:.1f} %'
    if all(a < b for a, b in pairwise(accuracies)):
        return (
            f'Every exit is more accurate than the one before: {accuracies[0]:.1f} % at '
            f'{one_line(first.name, 40)}, {accuracies[-1]:.1f} % at {one_line(last.name, 40)}'
        )
    said = f'The most accurate exit is {one_line(best.name, 40)} with {max(accuracies):.1f} %'
    if best is last:
        return said
    return f'{said}; {one_line(last.name, 40)} costs more and reaches {accuracies[-1]:.1f} %'


def control_finding(model: ModelResult, unit: CostUnit) -> str:
    """What choosing by confidence is worth at `shown_point`, against random exits."""
    point = shown_point(model)
    return (
        f'At {unit.cost(point.gmacs_mean)} per {unit.sample}, leaving by confidence reaches '
        f'{point.top1_percent:.1f} %; random exits of the same shares would reach '
        f'{point.random_top1_percent:.1f} %'
    )


def oracle_finding(model: ModelResult, unit: CostUnit) -> str:
    """What no choice of exits can exceed, and how often thinking on does harm."""
    found = model.statistics
    return (
        f'Leaving at the first exit that is right would reach {found.oracle_top1_percent:.1f} % at '
        f'{unit.cost(found.oracle_gmacs_mean)}; an earlier exit has '
        f'{found.overthinking_percent:.1f} % of the test {unit.sample}s right that the last one '
        'has wrong'
    )


def _ends(model: ModelResult) -> tuple[CurvePoint, CurvePoint]:
    """The cheapest and the most expensive point."""
    points = sorted(model.points, key=lambda point: point.calibration_gmacs_mean)
    return points[0], points[-1]
