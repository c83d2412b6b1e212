"""The tabs of the page: one per task, where there are several."""

from collections.abc import Sequence
from dataclasses import dataclass

from benchmarks.results import ACTION, CLASSIFICATION, DETECTION, Results

from ..findings import of_task, training_finding
from ..labels import one_line

NAMES = {
    CLASSIFICATION: 'Image classification',
    ACTION: 'Action recognition',
    DETECTION: 'Object detection',
}


@dataclass(frozen=True)
class TaskTab:
    """All panels of one task.

    Attributes:
        index: Among the tabs.
        name: Of the task, as a reader calls it.
        panels: As the templates see them, in their order on the page.
        trained: Whether its models were trained alike; may be empty.
    """

    index: int
    name: str
    panels: list[dict]
    trained: str


def task_tabs(panels: Sequence[dict], results: Results) -> list[TaskTab]:
    """The panels by task, in order of first appearance."""
    tasks = list(dict.fromkeys(panel['task'] for panel in panels))
    return [
        TaskTab(
            index=k,
            name=NAMES.get(task) or one_line(task, 40).capitalize(),
            panels=[panel for panel in panels if panel['task'] == task],
            trained=training_finding(of_task(results, task)),
        )
        for k, task in enumerate(tasks)
    ]
