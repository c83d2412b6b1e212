"""A detector's costs as tables for the terminal: backbone, neck and head apart."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from rich.console import Console
from rich.table import Table

from benchmarks.detection.part_costs import DetectorCosts, PartMacs
from benchmarks.detection.split_costs import TOTAL, SplitCosts, Spread
from benchmarks.macs import MULTIPLY_ADD_OPERATORS

from .tables import WIDEST, empty_table, unit_for

WITH_NORM = (
    'With norm: as detection papers count, normalisation, pooling and interpolation included, as '
    'fvcore counts them. Decoding boxes and suppressing overlapping ones has no multiply-adds.'
)


def detector_text(
    network: str,
    settings: Mapping[str, Any],
    costs: DetectorCosts | SplitCosts,
    checkpoint: str | None = None,
    depth: int | None = None,
) -> str:
    """All tables, headed by what was counted; bold titles where stdout is a terminal.

    Args:
        network: The config.
        settings: What was changed of it.
        costs: Of one image, or of all images of a split.
        checkpoint: Where the weights come from; None where they are random.
        depth: Modules are shown down to this depth; None shows none. Of one image only.
    """
    of_split = isinstance(costs, SplitCosts)
    console = Console(width=WIDEST, markup=False, highlight=False, emoji=False)
    with console.capture() as capture:
        named = ' '.join([network, *(f'{key}={value}' for key, value in settings.items())])
        console.print(f'{named}, {_images(costs) if of_split else _image(costs)}')
        if costs.proposals is not None:
            console.print(_proposals(costs.proposals, of_split, checkpoint))
        for title, table in _split_tables(costs) if of_split else _tables(costs, depth):
            console.print()
            console.print(title, style='bold')
            console.print(table)
        console.print()
        console.print(WITH_NORM)
    return '\n'.join(line.rstrip() for line in capture.get().splitlines())


def _image(costs: DetectorCosts) -> str:
    height, width = costs.size
    return (
        f'one image of 3 x {height} x {width} (channels x height x width), '
        f'{costs.parameters:,} parameters'
    )


def _images(costs: SplitCosts) -> str:
    sizes = [f'{height} x {width}' for height, width in costs.sizes]
    many = f'{len(sizes)} sizes from {sizes[0]} to {sizes[-1]}' if len(sizes) > 1 else sizes[0]
    return (
        f'{costs.images:,} image{"" if costs.images == 1 else "s"} of the {costs.split} split, '
        f'each as the network gets it alone: {many} (height x width), '
        f'{costs.parts[-1].parameters:,} parameters'
    )


def _proposals(proposals: int | Spread, of_split: bool, checkpoint: str | None) -> str:
    """How many regions the second stage looks at, and why so many."""
    if isinstance(proposals, Spread):
        number = f'{proposals.mean:.1f} proposals on average, {proposals.min} to {proposals.max}'
    else:
        number = f'{proposals} proposals'
    image = '' if of_split else ' of a black image'
    if checkpoint is not None:
        return f'The second stage looks at {number}{image}, with the weights of {checkpoint}.'
    return (
        f'The second stage looks at {number}{image}: they follow from random weights, and trained '
        'ones make others; give --checkpoint FILE'
        + ('.' if of_split else ' and --split test for real ones.')
    )


def _tables(costs: DetectorCosts, depth: int | None) -> Iterator[tuple[str, Table]]:
    rows = {part.part: part.cost for part in costs.parts} | {TOTAL: costs.total}
    parameters = [*(part.parameters for part in costs.parts), costs.parameters]
    yield 'Backbone, neck and head', _cost_table('part', list(rows), rows.values(), parameters)
    yield _operator_table(costs)
    if depth is not None:
        modules = [module for module in costs.modules if module.depth <= depth]
        names = [
            '  ' * module.depth + (module.name.rpartition('.')[2] or 'detector')
            for module in modules
        ]
        yield (
            'Modules',
            _cost_table(
                'module',
                names,
                [module.cost for module in modules],
                [module.parameters for module in modules],
            ),
        )


def _cost_table(
    first_column: str, names: Sequence[str], costs: Sequence[PartMacs], parameters: Sequence[int]
) -> Table:
    macs = [cost.macs for cost in costs]
    unit, numbers = unit_for(macs), unit_for(parameters)
    table = empty_table(
        first_column,
        [
            unit.title('MACs'),
            f'{unit.title("MACs")} with norm',
            unit.title('FLOPs (2 MACs)'),
            numbers.title('parameters'),
        ],
    )
    for name, cost, count in zip(names, costs, parameters, strict=True):
        cells = [unit.number(n) for n in (cost.macs, cost.with_norm, 2 * cost.macs)]
        table.add_row(name, *cells, numbers.number(count))
    return table


def _operator_table(costs: DetectorCosts) -> tuple[str, Table]:
    """A row per kind of operation with a column per part; the costliest come first."""
    totals: dict[str, list[int]] = {}
    for operator in sorted({name for part in costs.parts for name in part.by_operator}):
        counts = [part.by_operator.get(operator, 0) for part in costs.parts]
        totals[operator] = [*counts, sum(counts)]
    unit = unit_for((n for row in totals.values() for n in row), wide_range=True)
    table = empty_table('operation', [*(part.part for part in costs.parts), TOTAL])
    for operator, row in sorted(totals.items(), key=lambda item: -item[1][-1]):
        kind = 'MACs' if operator in MULTIPLY_ADD_OPERATORS else 'other ops'
        table.add_row(f'{operator} ({kind})', *(unit.number(n) for n in row))
    return f'By kind of operation, {unit.title("operations")}', table


def _split_tables(costs: SplitCosts) -> Iterator[tuple[str, Table]]:
    unit = unit_for([part.macs.max for part in costs.parts])
    numbers = unit_for([part.parameters for part in costs.parts])
    macs = unit.title('MACs')
    columns = [f'{macs} mean', 'standard deviation', 'min', 'max', f'{macs} with norm, mean']
    table = empty_table(
        'part', [*columns, f'{unit.title("FLOPs (2 MACs)")} mean', numbers.title('parameters')]
    )
    for part in costs.parts:
        spread = part.macs
        table.add_row(
            part.part,
            *(unit.number(n) for n in (spread.mean, spread.std, spread.min, spread.max)),
            *(unit.number(n) for n in (part.with_norm.mean, 2 * spread.mean)),
            numbers.number(part.parameters),
        )
    yield 'Backbone, neck and head of one image', table
