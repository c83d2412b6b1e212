"""The cache folder: where it is, and how a set of files is put into it as a whole or not at all."""

import contextlib
import errno
import os
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

from dynp_plugins.atomic_files import beside, remove, sweep
from dynp_plugins.errors import UserError

CACHE_VARIABLE = 'DYNP_CACHE'


def cache_root(cache_dir: str | Path | None = None) -> Path:
    """The cache folder: the argument, else `$DYNP_CACHE`, else the user's own cache folder.

    That is ``$XDG_CACHE_HOME/dynp_plugins`` where the variable holds an absolute path, otherwise
    ``~/.cache/dynp_plugins``. The folder need not exist.

    Raises:
        UserError: a ``~`` that cannot be resolved.
    """
    chosen = cache_dir if cache_dir is not None else os.environ.get(CACHE_VARIABLE)
    if not chosen:
        # The XDG specification wants relative paths ignored.
        xdg = Path(os.environ.get('XDG_CACHE_HOME', ''))
        chosen = (xdg if xdg.is_absolute() else Path('~/.cache')) / 'dynp_plugins'
    try:
        return Path(chosen).expanduser()
    except RuntimeError as error:
        raise UserError(
            f'the cache folder {chosen} has no home folder to start from ({error}); '
            f'set {CACHE_VARIABLE} to a folder that can be written'
        ) from error


@contextlib.contextmanager
def writing(folder: Path) -> Iterator[None]:
    """Turn what the file system refuses into a `UserError`."""
    try:
        yield
    except OSError as error:
        raise UserError(
            f'cannot write the cache folder {folder} ({error}); make room or unlock it, '
            f'or set {CACHE_VARIABLE} (or cache_dir) to a folder that can be written'
        ) from error


@contextlib.contextmanager
def staging(folder: Path) -> Iterator[Path]:
    """A new folder beside ``folder``, gone at the end whatever happens."""
    with writing(folder):
        folder.parent.mkdir(parents=True, exist_ok=True)
        sweep(folder)
        stage = beside(folder)
        # Not tempfile: its folders are closed to everybody else, also after the renaming.
        stage.mkdir()
    try:
        yield stage
    finally:
        shutil.rmtree(stage, ignore_errors=True)


def install(stage: Path, folder: Path, is_good: Callable[[], bool]) -> None:
    """Rename a finished set into place, unless another process has put a good one there.

    Args:
        stage: the set, in the folder that `staging` gave.
        folder: its place.
        is_good: says whether what is there now is a good set; must leave none of its files open,
            because an open one cannot be moved on Windows.
    """
    if is_good():
        return
    # A folder with content cannot be renamed over, only moved out of the way.
    if os.path.lexists(folder):
        old = beside(folder)
        with contextlib.suppress(FileNotFoundError):
            os.rename(folder, old)
            remove(old)
    try:
        os.rename(stage, folder)
    except OSError as error:
        # Another process came in between: its set stands, and the caller opens that one.
        if error.errno not in (errno.EEXIST, errno.ENOTEMPTY):
            raise
