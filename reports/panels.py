"""Which models share axes: those that were tested on the same samples for the same task."""

from collections.abc import Sequence
from dataclasses import dataclass

from benchmarks.results import ModelResult, Results


@dataclass(frozen=True)
class Panel:
    """Models whose accuracies may be compared.

    Attributes:
        indices: Into ``Results.models``, in that order.
        models: The models themselves.
    """

    indices: list[int]
    models: list[ModelResult]


def panels(results: Results) -> list[Panel]:
    """The models by task and test split, in order of first appearance."""
    groups: dict[tuple[str, str], list[int]] = {}
    for i, model in enumerate(results.models):
        groups.setdefault((model.task, model.test.sha256), []).append(i)
    return [Panel(indices, [results.models[i] for i in indices]) for indices in groups.values()]


def panel_of(index: int, results: Results) -> Panel:
    """The panel of the model at ``index``."""
    return next(panel for panel in panels(results) if index in panel.indices)


def sample_word(models: Sequence[ModelResult]) -> str:
    """What the models are given: ``image``, ``video``, or ``sample`` if it differs."""
    videos = {'action' in model.task or 'video' in model.task for model in models}
    return 'sample' if len(videos) > 1 else 'video' if True in videos else 'image'
