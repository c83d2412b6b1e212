"""A folder of files that are all made first and then moved into place, one by one.

If a file cannot be made, nothing has changed. If the process is killed, every file that can be seen
is whole: the old one or the new one. SHA256SUMS lists the files that were put there, so that those
of an earlier time, and only those, can be removed; ``sha256sum -c`` reads it.
"""

import os
import re
import shutil
from collections.abc import Collection, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path, PurePosixPath

from dynp_plugins.errors import UserError
from dynp_plugins.file_hashes import file_sha256

SUMS = 'SHA256SUMS'


@contextmanager
def staged_folder(destination: Path) -> Iterator[Path]:
    """Give an empty folder inside ``destination``; it is removed afterwards, whatever happens.

    What killed processes have left there is removed too.

    Raises:
        UserError: The folder cannot be made.
    """
    for leftover in destination.glob('.staged.*.tmp'):
        if not _is_running(leftover.name.split('.')[2]):
            shutil.rmtree(leftover, ignore_errors=True)
    folder = destination / f'.staged.{os.getpid()}.tmp'
    try:
        folder.mkdir(parents=True)
    except OSError as error:
        raise UserError(f'cannot write to {destination}: {error.strerror}') from error
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def move_into_place(
    staged: Path, destination: Path, first: str, known: Collection[str], folders: Collection[str]
) -> None:
    """Move all files of ``staged`` to ``destination`` and remove what an earlier call put there.

    Args:
        staged: Folder of new files.
        destination: Where they go; other files there stay.
        first: Name of the file that is moved before all others.
        known: Names of files right in ``destination`` that may be removed.
        folders: Names of folders right in ``destination`` that files may be removed from, if an
            earlier call put them there.

    Raises:
        UserError: A file cannot be put where it belongs; then nothing has changed.
    """
    paths = [path for path in staged.rglob('*') if path.is_file()]
    new = {path.relative_to(staged).as_posix(): file_sha256(path) for path in sorted(paths)}
    listed = read_sums(destination)
    stale = {
        name: listed.get(name, '')
        for name in sorted({*listed, *known} - new.keys())
        if _may_go(PurePosixPath(name), known, folders) and os.path.lexists(destination / name)
    }
    for name in (SUMS, *new):
        _check_place(destination / name)
    # Until all is done the list holds old and new, so that after a kill nothing is forgotten.
    _write_sums(staged, new | stale)
    os.replace(staged / SUMS, destination / SUMS)
    for name in sorted(new, key=lambda name: name != first):
        (destination / name).parent.mkdir(exist_ok=True)
        os.replace(staged / name, destination / name)
    for name in stale:
        os.unlink(destination / name)
    for folder in folders:
        with suppress(OSError):  # it does not exist, or something is in it
            (destination / folder).rmdir()
    _write_sums(staged, new)
    os.replace(staged / SUMS, destination / SUMS)


def read_sums(folder: Path) -> dict[str, str]:
    """File name to SHA-256, as listed in a folder; empty where there is no list."""
    try:
        text = (folder / SUMS).read_text(encoding='utf-8', errors='surrogateescape')
    except OSError:
        return {}
    found = {}
    for line in text.split('\n'):
        if match := re.fullmatch(r'(\\?)([0-9a-f]{64})  (.+)', line):
            name = match[3]
            if match[1]:  # as in GNU coreutils, a backslash says that the name is escaped
                name = re.sub(r'\\(.)', lambda m: '\n' if m[1] == 'n' else m[1], name)
            found[name] = match[2]
    return found


def check_sums(folder: str | Path) -> list[str]:
    """What in a folder differs from its list, one line each; empty if nothing does.

    Raises:
        UserError: There is no list.
    """
    folder = Path(folder)
    listed = read_sums(folder)
    if not listed:
        raise UserError(f'{folder} has no {SUMS}: write the report again')
    problems = []
    for name, sha256 in listed.items():
        if not (folder / name).is_file():
            problems.append(f'{name} is listed in {SUMS} but is not there')
        elif file_sha256(folder / name) != sha256:
            problems.append(f'{name} is not the file that was written: its SHA-256 has changed')
    return problems


def _write_sums(folder: Path, sums: dict[str, str]) -> None:
    lines = []
    for name, sha256 in sorted(sums.items()):
        escaped = name.replace('\\', '\\\\').replace('\n', '\\n')
        mark = '\\' if escaped != name else ''
        lines.append(f'{mark}{sha256 or "0" * 64}  {escaped}\n')
    text = ''.join(lines)
    (folder / SUMS).write_text(text, encoding='utf-8', errors='surrogateescape', newline='\n')


def _may_go(name: PurePosixPath, known: Collection[str], folders: Collection[str]) -> bool:
    """Whether a listed file may be removed, whoever wrote the list."""
    if len(name.parts) == 1:
        return name.name in known
    return len(name.parts) == 2 and name.parts[0] in folders and name.name != '..'


def _check_place(path: Path) -> None:
    """Refuse a path that cannot become a file."""
    if path.is_dir():
        raise UserError(f'cannot write the file {path}: there is a folder of that name')
    folder = path.parent
    if os.path.lexists(folder) and not (folder.is_dir() and os.access(folder, os.W_OK | os.X_OK)):
        raise UserError(f'cannot write {path}: {folder} is no folder that may be written')


def _is_running(pid: str) -> bool:
    """Whether there is a process of that number."""
    try:
        os.kill(int(pid), 0)
    except PermissionError:
        return True
    except (OSError, ValueError, OverflowError):
        return False
    return True
