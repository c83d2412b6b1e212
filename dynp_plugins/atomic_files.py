"""Files and folders that appear whole or not at all."""

import os
import shutil
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


@contextmanager
def atomic_folder(destination: str | Path, replaces: bool = False) -> Iterator[Path]:
    """Give an empty folder beside ``destination``; move it there when the block succeeds.

    If the block raises, the folder is deleted and an existing ``destination`` stays as it was.

    Args:
        destination: Where the folder is to be; not there yet, or empty.
        replaces: Whether a folder that is there makes room.

    Raises:
        UserError: The folder cannot be created, or ``destination`` is there and does not make room.
    """
    destination = Path(destination).absolute()
    temporary = destination.with_name(f'.{destination.name}.{os.getpid()}.tmp')
    former = destination.with_name(f'.{destination.name}.{os.getpid()}.old')
    is_folder = destination.is_dir()
    occupied = any(destination.iterdir()) if is_folder else destination.exists()
    if occupied and not (replaces and is_folder):
        raise UserError(f'cannot write the folder {destination}: it is there already')
    try:
        temporary.mkdir(parents=True)
    except OSError as error:
        raise UserError(f'cannot write {destination}: {error.strerror}') from error
    try:
        yield temporary
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
