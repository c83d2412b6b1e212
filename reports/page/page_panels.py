"""One part of the page: models that share a chart, with the names and the unit they have there."""

from dataclasses import dataclass, replace

from benchmarks.results import ModelResult, Results

from ..axes import CostUnit, cost_unit
from ..labels import series_names
from ..panels import panels, subject


@dataclass(frozen=True)
class PagePanel:
    """Models that may be compared; a panel has its own axes, unit and budgets.

    Attributes:
        index: Among the panels of the page.
        results: The results of these models alone; comparisons count within them.
        names: One per model, all different.
        unit: What costs are shown in.
    """

    index: int
    results: Results
    names: list[str]
    unit: CostUnit

    @property
    def models(self) -> list[ModelResult]:
        """In the order of the results."""
        return self.results.models

    @property
    def samples(self) -> str:
        """What the models are given, in the plural: ``images`` or ``videos``."""
        return f'{self.unit.sample}s'

    @property
    def subject(self) -> str:
        """Task, data and test split in a few words."""
        return subject(self.models)


def page_panels(results: Results) -> list[PagePanel]:
    """The models by task and test split, in order of first appearance."""
    return [_panel(k, results, panel.indices) for k, panel in enumerate(panels(results))]


def _panel(index: int, results: Results, chosen: list[int]) -> PagePanel:
    place = {model: i for i, model in enumerate(chosen)}
    part = replace(
        results,
        models=[results.models[i] for i in chosen],
        detectors=[],
        detector_comparisons=[],
        comparisons=[
            replace(pair, model=place[pair.model], baseline=place[pair.baseline])
            for pair in results.comparisons
            if pair.model in place and pair.baseline in place
        ],
    )
    return PagePanel(index, part, series_names(part), cost_unit(part))
