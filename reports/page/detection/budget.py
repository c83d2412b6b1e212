"""The budget slider of detectors: which scale each of them uses within the budget it shows.

A budget chooses on the calibration split: the scale with the best mAP among those whose mean cost
there is within it. What is said about that scale was measured on the test split.
"""

from benchmarks.detection_records import DetectorResult, ScalePoint

from ...axes import three_digits
from ...detection.findings import milliseconds
from ...detection.panels import backbone_gmacs, chosen_points, scale_text
from ...labels import typeset
from ..budget import BudgetView, ModelBudgets, slider_positions, starting_budget
from ..numbers import DASH, sure
from .chart import positions
from .panel import DetectionPanel


def detection_budgets(panel: DetectionPanel) -> BudgetView:
    """The slider of a panel; of one detector it starts at what the texts speak of."""
    choices = [_choices(detector, panel) for detector in panel.detectors]
    targets = [choice.targets for choice in choices]
    budgets = slider_positions([target for some in targets for target in some])
    wanted = starting_budget(targets) if len(targets) > 1 else targets[0][-1]
    start = next((i for i, budget in enumerate(budgets) if budget >= wanted), len(budgets) - 1)
    return BudgetView(
        gmacs=budgets,
        labels=[typeset(panel.unit.cost(budget)) for budget in budgets],
        start=start,
        models=choices,
    )


def _choices(detector: DetectorResult, panel: DetectionPanel) -> ModelBudgets:
    """One detector's chosen scales as the slider shows them."""
    points, unit = chosen_points(detector), panel.unit
    targets = [point.calibration_gmacs_mean for point in points]
    return ModelBudgets(
        targets=targets,
        x=positions(points, panel),
        heights=[point.test.map_percent for point in points],
        shares=[[100 * share for share in part_shares(point)] for point in points],
        texts=[scale_fields(point, panel) for point in points],
        too_little=typeset(f'Cannot meet this budget: needs {unit.cost(targets[0])}.'),
    )


def part_shares(point: ScalePoint) -> list[float]:
    """What share of the MACs each part takes."""
    whole = sum(part.gmacs_mean for part in point.parts)
    return [part.gmacs_mean / whole if whole else 0.0 for part in point.parts]


def scale_fields(point: ScalePoint, panel: DetectionPanel) -> dict[str, str]:
    """Every field about one scale; the first one is read aloud."""
    unit, test, shares = panel.unit, point.test, part_shares(point)
    mean, spread = point.gmacs_mean * unit.per_giga, point.gmacs_std * unit.per_giga
    backbone = backbone_gmacs(point) / point.gmacs_mean if point.gmacs_mean else 0.0
    texts = {
        'map': _percent(test.map_percent),
        'map-interval': sure(point.map_interval),
        'ap50': _percent(test.ap50_percent),
        'ap50-interval': sure(point.ap50_interval),
        'scale': scale_text(point.scale),
        'cost': unit.cost(point.gmacs_mean),
        'spread': f'{spread:.{three_digits(mean)}f}',
        'backbone': f'{unit.cost(backbone_gmacs(point))}, {_whole_percent(backbone)} %',
        'calibration': _percent(point.calibration.map_percent),
        'ms': milliseconds(point.latency.timing.p50_ms) if point.latency else DASH,
    }
    for k, share in enumerate(shares):
        texts[f'share-{k}'] = _whole_percent(share)
    return {field: typeset(text) for field, text in texts.items()}


def _whole_percent(share: float) -> str:
    """Of a bar and of the line under it, which are to agree."""
    return f'{100 * share:.0f}'


def _percent(value: float | None) -> str:
    return DASH if value is None else f'{value:.1f} %'
