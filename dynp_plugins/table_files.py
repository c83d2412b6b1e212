"""Tables on disk: arrays and a manifest in one .npz without pickle, and the manifest beside it."""

import json
import zipfile
import zlib
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, TypeVar

import numpy as np

from .atomic_files import atomic_path
from .errors import UserError

T = TypeVar('T')


def write_table(path: str | Path, arrays: Mapping[str, np.ndarray], manifest: dict) -> None:
    """Write ``path``, a compressed .npz; whole or not at all.

    The manifest is also written beside it, as .json, for people to read.
    """
    path = Path(path)
    text = json.dumps(manifest, indent=1)
    with atomic_path(path.with_suffix('.json')) as beside, atomic_path(path) as temporary:
        beside.write_text(text + '\n')
        np.savez_compressed(temporary, manifest=np.array(text), **arrays)


def read_table(
    path: str | Path,
    what: str,
    version: tuple[str, int],
    build: Callable[[dict[str, np.ndarray], dict[str, Any]], T],
) -> T:
    """Read what `write_table` wrote.

    Args:
        path: The file.
        what: What the file is, for messages, such as ``exit table``.
        version: The manifest's entry that tells this kind of table from others and from older
            ones, which is taken out, and its value.
        build: Makes the table of the arrays and the manifest; may raise ValueError, TypeError or
            KeyError where they do not fit.

    Raises:
        UserError: The file is missing, damaged, no such table, or one of another version.
    """
    try:
        with np.load(path, allow_pickle=False) as file:
            arrays = dict(file)
        manifest = json.loads(str(arrays.pop('manifest', '{}')))
        if manifest.pop(version[0], None) != version[1]:
            raise UserError(
                f'{path} is no {what} of version {version[1]}: run tools/budget_curve.py again'
            )
        return build(arrays, manifest)
    except UserError:
        raise
    except (
        OSError,
        EOFError,
        ValueError,
        TypeError,
        KeyError,
        AttributeError,
        zlib.error,
        zipfile.BadZipFile,
    ) as error:
        raise UserError(f'{path} is not a readable {what}: {error}') from error
