"""A network's costs as tables for the terminal: per exit, per operator, per module."""

import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from rich.console import Console
from rich.table import Table

from benchmarks.macs import MULTIPLY_ADD_OPERATORS
from benchmarks.network_costs import ModuleCost, NetworkCosts, increments

from .views import view_count

_PREFIXES = (('G', 1e9), ('M', 1e6), ('k', 1e3), ('', 1))
_MOST_DECIMALS = 3
WIDEST = 10_000


@dataclass(frozen=True)
class Unit:
    """What the numbers of a table's column are shown in.

    Attributes:
        prefix: ``G``, ``M``, ``k`` or nothing.
        scale: What one of it is.
        decimals: As many as give the smallest number three significant digits, at most 3.
    """

    prefix: str
    scale: float
    decimals: int

    def title(self, quantity: str) -> str:
        """The column's title, for example ``GMACs`` or ``M parameters``."""
        joined = quantity.startswith(('MACs', 'FLOPs'))
        return f'{self.prefix}{"" if joined or not self.prefix else " "}{quantity}'

    def number(self, value: float) -> str:
        """``value`` in this unit; nothing is a dash."""
        text = f'{value / self.scale:.{self.decimals}f}'
        if value and not float(text):
            return f'<{10**-self.decimals:.{self.decimals}f}'
        return text if value else '-'


def unit_for(values: Iterable[int], wide_range: bool = False) -> Unit:
    """The unit of a column whose largest number becomes at least 0.1.

    Args:
        values: The column's numbers.
        wide_range: Take the next smaller unit, because small numbers matter beside large ones.
    """
    present = [value for value in values if value] or [1]
    fitting = [i for i, (_, scale) in enumerate(_PREFIXES) if max(present) >= 0.1 * scale]
    prefix, scale = _PREFIXES[min(fitting[0] + wide_range, len(_PREFIXES) - 1)]
    decimals = 2 - math.floor(math.log10(min(present) / scale))
    return Unit(prefix, scale, min(max(decimals, 0), _MOST_DECIMALS) if prefix else 0)


def cost_text(
    network: str,
    settings: Mapping[str, Any],
    costs: NetworkCosts,
    depth: int | None = None,
    num_segments: int = 1,
) -> str:
    """All tables, headed by what was counted; bold titles where stdout is a terminal.

    Lines are as long as their table, never cut to the terminal's width.

    Args:
        network: The network's name, or its config.
        settings: What was changed of it.
        costs: The costs.
        depth: Modules are shown down to this depth; 0 is the network alone, None shows no modules.
        num_segments: Frames of a video that the network sees together.
    """
    console = Console(width=WIDEST, markup=False, highlight=False, emoji=False)
    with console.capture() as capture:
        console.print(_headline(network, settings, costs))
        views = view_count(costs.input_shape, num_segments)
        if views > 1:
            console.print(
                f'{costs.input_shape[0]} frames: {views} views of {num_segments}; test-time clips '
                'and crops multiply the cost, and all of them are counted'
            )
        for title, table in _tables(costs, depth):
            console.print()
            console.print(title, style='bold')
            console.print(table)
    return '\n'.join(line.rstrip() for line in capture.get().splitlines())


def _headline(network: str, settings: Mapping[str, Any], costs: NetworkCosts) -> str:
    parts = [
        ' '.join([network, *(f'{key}={value}' for key, value in settings.items())]),
        _sample(costs.input_shape),
        f'{costs.parameters:,} parameters',
    ]
    unread = costs.parameters - costs.exits[-1].parameters
    return ', '.join([*parts, f'{unread:,} of them never used'] if unread else parts)


def _sample(shape: Sequence[int]) -> str:
    """What the costs are of."""
    *frames, channels, height, width = shape
    size = f'{channels} x {height} x {width}'
    if not frames:
        return f'one image of {size}'
    return f'one video of {frames[0]} frame{"s" if frames[0] > 1 else ""} of {size}'


def _tables(costs: NetworkCosts, depth: int | None) -> Iterator[tuple[str, Table]]:
    """Titles and tables, in the order in which they are read."""
    yield 'Up to each exit, all that has run included', _exit_table(costs, False)
    yield 'Added by each exit', _exit_table(costs, True)
    yield _operator_table(costs)
    if depth is not None:
        modules = [module for module in costs.modules if module.depth <= depth]
        names = [exit.name for exit in costs.exits]
        yield _module_table('MACs', names, modules, [m.macs for m in modules])
        yield _module_table('parameters', names, modules, [m.parameters for m in modules])


def empty_table(first_column: str, columns: Sequence[str]) -> Table:
    """An empty table: one column of names, then columns of numbers."""
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0))
    table.add_column(first_column, no_wrap=True)
    for column in columns:
        table.add_column(column, justify='right', no_wrap=True)
    return table


def _exit_table(costs: NetworkCosts, incremental: bool) -> Table:
    """A row per exit with everything that is counted."""
    exits = costs.exits
    macs, other = [exit.macs for exit in exits], [exit.other_ops for exit in exits]
    macs_unit = _with_unit(macs)[1]
    quantities = {
        'MACs': (macs, macs_unit),
        'MACs that run': ([exit.macs_run for exit in exits], macs_unit),
        'MACs in published order': ([exit.macs_published_order for exit in exits], macs_unit),
        'FLOPs (2 MACs)': ([2 * count for count in macs], macs_unit),
        'other ops': _with_unit(other),
        'MACs + other ops': ([a + b for a, b in zip(macs, other, strict=True)], macs_unit),
        'parameters': _with_unit([exit.parameters for exit in exits]),
        'activations': _with_unit([exit.activations for exit in exits]),
    }
    if all(exit.macs_run == exit.macs for exit in exits):
        del quantities['MACs that run']
    if exits[0].macs_published_order is None:
        del quantities['MACs in published order']
    columns = {
        unit.title(name): [unit.number(n) for n in (increments(row) if incremental else row)]
        for name, (row, unit) in quantities.items()
    }
    table = empty_table('exit', list(columns))
    for exit, *cells in zip(exits, *columns.values(), strict=True):
        table.add_row(exit.name, *cells)
    return table


def _with_unit(cumulative: Sequence[int]) -> tuple[Sequence[int], Unit]:
    """A column and the unit in which both its totals and its increments are shown."""
    return cumulative, unit_for([*cumulative, *increments(cumulative)])


def _operator_table(costs: NetworkCosts) -> tuple[str, Table]:
    """Title, and a row per kind of operation with a column per exit; the costliest come first."""
    counts = {
        operator: [exit.by_operator.get(operator, 0) for exit in costs.exits]
        for operator in costs.exits[-1].by_operator
    }
    unit = unit_for((n for row in counts.values() for n in row), wide_range=True)
    table = empty_table('operation', [exit.name for exit in costs.exits])
    for operator, row in sorted(counts.items(), key=lambda item: -item[1][-1]):
        kind = 'MACs' if operator in MULTIPLY_ADD_OPERATORS else 'other ops'
        table.add_row(f'{operator} ({kind})', *(unit.number(n) for n in row))
    return f'Up to each exit by kind of operation, {unit.title("operations")}', table


def _module_table(
    quantity: str,
    exits: Sequence[str],
    modules: Sequence[ModuleCost],
    rows: Sequence[Sequence[int]],
) -> tuple[str, Table]:
    """Title, and a row per module, indented as deep as it lies, with what each exit adds to it."""
    added = [increments(row) for row in rows]
    unit = unit_for((n for row in (*rows, *added) for n in row), wide_range=True)
    table = empty_table('module', [*exits, 'all'])
    for module, row, cumulative in zip(modules, added, rows, strict=True):
        name = module.name.rpartition('.')[2] or 'network'
        cells = [unit.number(n) for n in (*row, cumulative[-1])]
        table.add_row('  ' * module.depth + name, *cells)
    return f'Added to each module by each exit, {unit.title(quantity)}', table
