"""The tables in the READMEs of the model zoo, and the counted numbers in its metafiles."""

import logging
import re
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

from benchmarks.model_zoo import (
    Costs,
    ZooModel,
    count_costs,
    list_metafiles,
    read_metafile,
    task_of,
    total_macs,
)
from dynp_plugins.atomic_files import atomic_path
from dynp_plugins.errors import UserError

from .model_zoo_columns import columns_of

BEGIN = '<!-- begin: written by python tools/update_model_zoo.py -->'
END = '<!-- end: written by python tools/update_model_zoo.py -->'
_logger = logging.getLogger(__name__)


def update_model_zoo(repository: Path, write: bool = True) -> list[Path]:
    """Count every network of the model index and bring tables and metafiles up to date.

    Args:
        repository: Where ``model-index.yml`` lies.
        write: Whether to write the files; otherwise they are only compared.

    Returns:
        The files that were, or are, out of date.

    Raises:
        UserError: A config, metafile or README cannot be used.
    """
    zoo = {metafile: read_metafile(metafile, repository) for metafile in list_metafiles(repository)}
    costs = {}
    for model in (model for models in zoo.values() for model in models):
        _logger.info('counting %s', model.name)
        costs[model.name] = count_costs(model.config, model.image_size)
        _check_task(model, costs[model.name])
    stale = []
    for metafile, models in zoo.items():
        readme = metafile.with_name('README.md')
        for path, updated in (
            (metafile, metafile_with_costs(metafile, costs)),
            (readme, readme_with_tables(readme, models, costs)),
        ):
            if path.read_text(encoding='utf-8') != updated:
                stale.append(path)
                if write:
                    with atomic_path(path) as temporary:
                        temporary.write_text(updated, encoding='utf-8')
    return stale


def metafile_with_costs(metafile: Path, costs: Mapping[str, Costs]) -> str:
    """A metafile's text with the FLOPs and Parameters of each model; all else stays.

    Raises:
        UserError: A model has no such lines to write to.
    """
    lines, numbers, unwritten = [], {}, []
    for line in metafile.read_text(encoding='utf-8').splitlines(keepends=True):
        field = re.fullmatch(r'( *(?:- )?)(Name|FLOPs|Parameters): (\S+)(.*\n)', line)
        if field and field[2] == 'Name' and field[3] in costs:
            counted = costs[field[3]]
            numbers = {'FLOPs': total_macs(counted), 'Parameters': counted.parameters}
            unwritten += [f'{key} of {field[3]}' for key in numbers]
            name = field[3]
        elif field and field[2] in numbers:
            line = f'{field[1]}{field[2]}: {numbers[field[2]]}{field[4]}'
            unwritten.remove(f'{field[2]} of {name}')
        lines.append(line)
    if unwritten:
        raise UserError(f'{metafile} has no line for {", ".join(unwritten)}: write one with a 0')
    return ''.join(lines)


def readme_with_tables(readme: Path, models: Sequence[ZooModel], costs: Mapping[str, Costs]) -> str:
    """A README's text with fresh tables between the two marks.

    Raises:
        UserError: It is missing, or the marks are.
    """
    if not readme.is_file():
        raise UserError(f'no {readme}: write one, with these two lines in it:\n{BEGIN}\n{END}')
    text = readme.read_text(encoding='utf-8')
    before, begin, rest = text.partition(BEGIN)
    _, end, after = rest.partition(END)
    if not begin or not end:
        raise UserError(f'{readme} needs these two lines:\n{BEGIN}\n{END}')
    return f'{before}{begin}\n\n{tables(models, costs)}\n{end}{after}'


def tables(models: Sequence[ZooModel], costs: Mapping[str, Costs]) -> str:
    """A Markdown table for each data set.

    Raises:
        UserError: Published accuracies name exits that the network does not have.
    """
    parts = []
    for dataset in dict.fromkeys(model.dataset for model in models):
        rows = [model for model in models if model.dataset == dataset]
        columns = columns_of(dataset, rows, costs)
        parts += [f'### {dataset}', '', _line(columns), f'|{"---|" * len(columns)}']
        for model in rows:
            parts.append(_line(cell(model, costs[model.name]) for cell in columns.values()))
        parts.append('')
    return '\n'.join(parts)


def _check_task(model: ZooModel, costs: Costs) -> None:
    task = task_of(costs)
    if model.task != task:
        raise UserError(
            f'{model.name}: its metafile says Task: {model.task}, but its config makes it a '
            f'network for {task}'
        )


def _line(cells: Iterable[str]) -> str:
    return f'| {" | ".join(cells)} |'
