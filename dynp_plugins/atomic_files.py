"""Files and folders that appear whole or not at all."""

import glob
import os
import secrets
import shutil
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from .errors import UserError

STALE_SECONDS = 3600
"""Age at which what an unfinished process left is taken for that of a killed one."""


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


@contextmanager
def atomic_folder(destination: str | Path, replaces: bool = False) -> Iterator[Path]:
    """Give an empty folder beside ``destination``; move it there when the block succeeds.

    If the block raises, the folder is deleted and an existing ``destination`` stays as it was.

    Args:
        destination: Where the folder is to be; not there yet, or empty. Of a symbolic link, where
            it leads to.
        replaces: Whether a folder that is there makes room.

    Raises:
        UserError: The folder cannot be created, or ``destination`` is there and does not make room,
            at the beginning or when the block has succeeded.
    """
    destination = Path(os.path.realpath(destination))
    _check_free(destination, replaces)
    # What makes room is never swept: of a killed process, it can be the only copy.
    temporary, former = beside(destination), beside(destination, '.old')
    try:
        destination.parent.mkdir(parents=True, exist_ok=True)
        sweep(destination)
        temporary.mkdir()
    except OSError as error:
        raise UserError(f'cannot write {destination}: {error.strerror}') from error
    try:
        yield temporary
        _check_free(destination, replaces)
        if destination.exists():
            os.replace(destination, former)
        try:
            os.replace(temporary, destination)
        except OSError:
            if former.exists():
                os.replace(former, destination)
            raise
        shutil.rmtree(former, ignore_errors=True)
    finally:
        shutil.rmtree(temporary, ignore_errors=True)


def _check_free(destination: Path, replaces: bool) -> None:
    is_folder = destination.is_dir()
    occupied = any(destination.iterdir()) if is_folder else destination.exists()
    if occupied and not (replaces and is_folder):
        raise UserError(f'cannot write the folder {destination}: it is there already')


def beside(path: Path, suffix: str = '.tmp') -> Path:
    """A hidden name beside a path that nothing else has."""
    return path.with_name(f'.{path.name}.{os.getpid()}.{secrets.token_hex(4)}{suffix}')


def sweep(path: Path) -> None:
    """Remove what processes that were killed long ago left beside a path; see `beside`."""
    for leftover in path.parent.glob(f'.{glob.escape(path.name)}.*.tmp'):
        with suppress(OSError):
            if time.time() - leftover.stat().st_mtime > STALE_SECONDS:
                remove(leftover)


def remove(path: Path) -> None:
    """Remove a file, a link or a folder with all in it, if it is there."""
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path, ignore_errors=True)
    else:
        path.unlink(missing_ok=True)
