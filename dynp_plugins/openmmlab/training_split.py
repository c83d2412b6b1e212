"""Whether a config still holds out of the training set what was held out when a run was trained."""

import ast
from typing import Any

from mmengine.config import Config

from ..checkpoints import Checkpoint
from ..dataset_wrappers import entries_in
from ..errors import UserError

_DEFAULTS = {'size': None, 'seed': 0, 'group': None}
_FILES = ('ann_file', 'ann_format', 'data_prefix', 'split')


def check_held_out(config: Config, checkpoint: Checkpoint) -> None:
    """Refuse a calibration split that may hold what the network was trained on.

    Settings that come from the environment are easily forgotten between two commands. The folder
    of the data may have moved.

    Args:
        config: Whose calibration split is about to be used.
        checkpoint: Its run's config stands in it, if mmengine wrote it; without, or where either
            split is not cut by `HeldOut`, nothing can be told.

    Raises:
        UserError: The two hold out different samples.
    """
    text = checkpoint.meta.get('cfg')
    trained = _choices(text, 'train_dataloader') if isinstance(text, str) else []
    if not trained:
        return
    now = _choices(config.pretty_text, 'calibration_dataloader')
    if not now or trained == now:
        return
    name, was, found = _first_difference(trained, now)
    raise UserError(
        f'{checkpoint.path} was trained beside a calibration split with {name}={was!r}, '
        f'but {config.filename} now has {name}={found!r}: the calibration split may hold what '
        'the network was trained on. Use the same config, with the same environment variables'
    )


def _first_difference(trained: list[dict], now: list[dict]) -> tuple[str, Any, Any]:
    for before, after in zip(trained, now, strict=False):
        for name, value in before.items():
            if value != after[name]:
                return name, value, after[name]
    return 'number of datasets cut', len(trained), len(now)


def _choices(text: str, loader: str) -> list[dict[str, Any]]:
    """What decides which samples each `HeldOut` takes, from a config's text."""
    found: list[dict[str, Any]] = []
    for dataset in entries_in(_entry(text, loader).get('dataset')):
        if dataset.get('type') != 'HeldOut':
            continue
        inner = dataset.get('dataset')
        choice = {name: dataset.get(name, default) for name, default in _DEFAULTS.items()}
        files = inner if isinstance(inner, dict) else {}
        found.append(choice | {name: files.get(name) for name in _FILES})
    return found


def _entry(text: str, name: str) -> dict[str, Any]:
    """One entry of a config's text. Nothing is executed: the text may come from anywhere."""
    try:
        statements = ast.parse(text).body
    except SyntaxError:
        return {}
    for statement in statements:
        if isinstance(statement, ast.Assign) and ast.unparse(statement.targets[0]) == name:
            found = _value(statement.value)
            return found if isinstance(found, dict) else {}
    return {}


def _value(node: ast.expr) -> Any:
    """The value of an expression of literals and ``dict(...)``; others stay as they are written."""
    if isinstance(node, ast.Call) and ast.unparse(node.func) == 'dict':
        return {keyword.arg: _value(keyword.value) for keyword in node.keywords}
    if isinstance(node, ast.Dict):
        keys = [None if key is None else _value(key) for key in node.keys]
        return dict(zip(map(str, keys), map(_value, node.values), strict=True))
    if isinstance(node, ast.List | ast.Tuple):
        return [_value(element) for element in node.elts]
    try:
        return ast.literal_eval(node)
    except ValueError:
        return ast.unparse(node)
