"""What tuning the sizes of graphs has found, as text."""

from collections.abc import Sequence

from benchmarks.latency_records import GraphTime, ModelLatency, Tuning

from .labels import listed, one_line
from .text_tables import aligned_rows


def tuning_finding(found: Tuning) -> str:
    """The sizes that were taken, and how much slower the others are."""
    best = min(found.sizes, key=lambda size: size.ms_per_image)
    taken = f'Graphs for batches of {listed([str(size) for size in found.graph_sizes])}'
    others = [size for size in found.sizes if size is not best]
    said = f'{taken}, by measurement: {best.batch_size} as the largest is the fastest'
    if others:
        slowest = max(others, key=lambda size: size.ratio)
        said += f', {slowest.batch_size} takes {slowest.ratio:.2f} times as long'
    return said


def tuning_lines(model: ModelLatency, found: Tuning) -> list[str]:
    """A table for the terminal, and what to give as --graphs."""
    title = f'{one_line(model.name, 90)}, batches of {found.batch_size} whole and with early exit'
    rows = [['graphs for batches up to', 'ms per sample', 'least', 'greatest', 'by the best']]
    rows += [_row(size) for size in found.sizes]
    sizes = ' '.join(map(str, found.graph_sizes))
    return [title, *aligned_rows(rows, 24), f'  {found.rounds} rounds; so give --graphs {sizes}']


def _row(size: GraphTime) -> list[str]:
    times = (size.ms_per_image, size.least_ms, size.greatest_ms)
    return [str(size.batch_size), *(f'{time:.4g}' for time in times), f'{size.ratio:.2f}x']


def tuned(models: Sequence[ModelLatency]) -> list[tuple[ModelLatency, Tuning]]:
    """The models whose sizes were tuned."""
    return [(model, model.tuning) for model in models if model.tuning is not None]
