"""Datasets inside those that cut, repeat or join others: in configs, and when they are built."""

from collections.abc import Iterator, Mapping
from typing import Any


def entries_in(dataset: Any) -> Iterator[Mapping[str, Any]]:
    """A config's dataset and all that it is made of, the outermost first."""
    if isinstance(dataset, Mapping):
        yield dataset
        for inner in _inside(dataset.get('dataset'), dataset.get('datasets')):
            yield from entries_in(inner)


def reading_entries(dataset: Any) -> list[Mapping[str, Any]]:
    """Those of a config's datasets that read files: nothing is inside them."""
    return [entry for entry in entries_in(dataset) if len(list(entries_in(entry))) == 1]


def entries_with_pipelines(dataset: Any) -> list[Mapping[str, Any]]:
    """The outermost of a config's datasets that have pipelines: one, or several that are joined."""
    if not isinstance(dataset, Mapping):
        return []
    if dataset.get('pipeline') is not None:
        return [dataset]
    inside = _inside(dataset.get('dataset'), dataset.get('datasets'))
    return [entry for inner in inside for entry in entries_with_pipelines(inner)]


def datasets_in(dataset: Any) -> Iterator[Any]:
    """A dataset and all that it is made of, the outermost first."""
    yield dataset
    inside = _inside(getattr(dataset, 'dataset', None), getattr(dataset, 'datasets', None))
    for inner in inside:
        yield from datasets_in(inner)


def reading_datasets(dataset: Any) -> list[Any]:
    """Those of the datasets that read files: nothing is inside them."""
    return [inner for inner in datasets_in(dataset) if len(list(datasets_in(inner))) == 1]


def _inside(one: Any, several: Any) -> list[Any]:
    """What stands in the two entries that wrappers have."""
    several = several if isinstance(several, list | tuple) else ()
    return [inner for inner in (one, *several) if inner is not None]
