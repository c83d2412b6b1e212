"""Reading OpenMMLab config files, with errors a user can act on."""

import difflib
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from mmengine.config import Config
from mmengine.registry import MODELS

from ..errors import UserError

_COLLATE = dict(type='default_collate')
# Entries that a Runner reads and most configs lack.
_OPTIONAL = ('compile', 'find_unused_parameters', 'model_wrapper_cfg', 'sync_bn')
_LOADERS = ('train_dataloader', 'val_dataloader', 'calibration_dataloader', 'test_dataloader')


def load_config(path: str | Path, options: dict[str, Any] | None = None) -> Config:
    """Read a config file and override single entries.

    Data loaders of mmpretrain configs that name no ``collate_fn`` get ``default_collate``, as in
    mmpretrain's own tools.

    Args:
        path: The ``.py`` (or json, yaml) file.
        options: Dotted keys to values, as ``--cfg-options`` gives them.

    Raises:
        UserError: The file is missing or broken, or an option does not fit it.
    """
    if not Path(path).is_file():
        raise UserError(f'no config file {path}')
    try:
        config = Config.fromfile(str(path))
    except UserError:
        raise
    except Exception as error:  # a config is Python code and can fail in any way
        raise UserError(f'config {path} cannot be read: {type(error).__name__}: {error}') from error
    if options:
        known = {*config, *_OPTIONAL}
        unknown = [key for key in options if key.partition('.')[0] not in known]
        if unknown:
            raise UserError(
                f'--cfg-options {unknown[0]}: {path} has no entry {unknown[0].partition(".")[0]}; '
                f'it has {", ".join(config)}'
            )
        try:
            config.merge_from_dict(options)
        except (
            KeyError,
            TypeError,
            IndexError,
            AttributeError,
            AssertionError,
        ) as error:
            raise UserError(f'--cfg-options {options} does not fit {path}: {error}') from error
    for name in _LOADERS:
        if config.get('default_scope') == 'mmpretrain' and config.get(name) is not None:
            config[name].setdefault('collate_fn', _COLLATE)
    config.setdefault('work_dir', str(Path('work_dirs') / Path(path).stem))
    return config


@contextmanager
def building_from(
    config: Config, still_building: Callable[[], bool] = lambda: True
) -> Iterator[None]:
    """Say which config is to blame for what the registries raise while they build from it.

    Args:
        config: The config.
        still_building: Asked when something is raised; once it says no, errors pass unchanged.

    Raises:
        UserError: In place of the errors that a wrong type, argument or value leads to.
    """
    try:
        yield
    except UserError:
        raise
    except (KeyError, TypeError, ValueError, AttributeError, AssertionError, OSError) as error:
        if not still_building():
            raise
        text = error.args[0] if isinstance(error, KeyError) and error.args else error
        unknown = re.match(r'(?:mmpretrain\.)?(\w+) is not in the', str(text))
        if unknown:
            close = difflib.get_close_matches(unknown[1], MODELS.module_dict, n=3, cutoff=0.5)
            text = f'{text} The closest of our names: {", ".join(close)}.' if close else text
        raise UserError(
            f'config {config.filename} cannot be built: {type(error).__name__}: {text} '
            '(DYNP_TRACEBACK=1 shows where)'
        ) from error


def require(config: Config, *keys: str) -> None:
    """Check that a config has the entries a command needs.

    Raises:
        UserError: One is missing or None.
    """
    for key in keys:
        if config.get(key) is None:
            raise UserError(f'config {config.filename} has no {key}; add it')
