"""A table of every exit of some reports' models, for a README."""

from pathlib import Path

from benchmarks.results import Results
from dynp_plugins.atomic_files import atomic_path
from dynp_plugins.errors import UserError

from ..axes import cost_unit
from ..labels import series_names
from .text import escaped, number, span, table


def exits_table(results: Results) -> str:
    """One line per model and exit: cost, top-1 accuracy with its interval, mean class accuracy."""
    unit = cost_unit(results)
    header = ['model', 'exit', unit.macs, 'top-1 %', '95 % interval', 'mean class %']
    rows = [
        [
            escaped(name, 60),
            escaped(exit.name, 40),
            unit.number(exit.gmacs),
            number(exit.test_top1_percent, 1),
            span(exit.test_top1_interval, 1),
            number(exit.mean_class_percent, 1),
        ]
        for name, model in zip(series_names(results), results.models, strict=True)
        for exit in model.exits
    ]
    samples = ', '.join(dict.fromkeys(f'{model.test.samples:,}' for model in results.models))
    note = f'MACs are of one {unit.sample}; accuracy is on {samples} test {unit.sample}s.'
    return f'{table(header, rows, texts=2)}\n\n{note}'


def marks(name: str) -> tuple[str, str]:
    """The lines between which the table called ``name`` stands in a README."""
    command = f'written by python tools/update_results_table.py, {name}'
    return f'<!-- begin: {command} -->', f'<!-- end: {command} -->'


def with_table(text: str, name: str, results: Results) -> str:
    """A README's text with a fresh table between the marks of that name.

    Raises:
        UserError: The marks are missing; the message gives the lines to write.
    """
    begin, end = marks(name)
    before, found_begin, rest = text.partition(begin)
    _, found_end, after = rest.partition(end)
    if not found_begin or not found_end:
        raise UserError(f'the README needs these two lines:\n{begin}\n{end}')
    return f'{before}{begin}\n\n{exits_table(results)}\n\n{end}{after}'


def update_readme(path: str | Path, name: str, results: Results) -> None:
    """Write the table into a README; the rest of it stays.

    Raises:
        UserError: There is no such file, or the marks are missing.
    """
    path = Path(path)
    if not path.is_file():
        raise UserError(f'there is no README {path}')
    text = with_table(path.read_text(encoding='utf-8'), name, results)
    with atomic_path(path) as temporary:
        temporary.write_text(text, encoding='utf-8', newline='\n')
