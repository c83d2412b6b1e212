"""Which models share axes: those that were tested on the same samples for the same task."""

from collections.abc import Sequence
from dataclasses import dataclass

from benchmarks.detection_records import DetectorResult
from benchmarks.results import ModelResult, Results

from .labels import one_line
from .sample_words import sample_words


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


def sample_word(models: Sequence[ModelResult | DetectorResult]) -> str:
    """What the models are given: ``image``, ``video``, or ``sample`` if it differs."""
    words = {sample_words(model.task).one for model in models}
    return words.pop() if len(words) == 1 else 'sample'


def subject(models: Sequence[ModelResult | DetectorResult]) -> str:
    """Task, data and test split of the models or detectors of one panel, in a few words."""
    first = models[0]
    datasets = dict.fromkeys(one_line(model.dataset, 60) for model in models)
    return (
        f'{one_line(first.task, 60)} on {", ".join(datasets)}, {first.test.samples:,} test '
        f'{sample_words(first.task).many}'
    )
