"""Files that appear whole or not at all."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from .errors import UserError


@contextmanager
def atomic_path(destination: str | Path) -> Iterator[Path]:
    """Give a temporary path beside ``destination``; move it there when the block succeeds.

    If the block raises, the temporary file is deleted and an existing ``destination`` stays as
    it was. Parent folders are created. The temporary name keeps the suffix, because writers such
    as matplotlib choose their format by it.

    Raises:
        UserError: The folder cannot be created or written, or ``destination`` is a folder.
    """
    destination = Path(destination)
    temporary = destination.with_name(f'.{destination.stem}.{os.getpid()}.tmp{destination.suffix}')
    if destination.is_dir():
        raise UserError(f'cannot write the file {destination}: there is a folder of that name')
    try:
        destination.parent.mkdir(parents=True, exist_ok=True)
        temporary.touch()
    except OSError as error:
        raise UserError(f'cannot write {destination}: {error.strerror}') from error
    try:
        yield temporary
        os.replace(temporary, destination)
    finally:
        temporary.unlink(missing_ok=True)
