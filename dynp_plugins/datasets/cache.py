"""A cache of numpy arrays that are made once: checked when opened, rebuilt when damaged.

One folder per set of arrays: ``<name>.npy`` for each, and ``manifest.json`` with the version of
the generator and, per array, its shape, its dtype and the SHA-256 of its file. A set is written
beside its final place and then renamed into it, so that nobody ever sees half of one, whoever is
killed and however many processes build at once.
"""

import contextlib
import errno
import hashlib
import json
import logging
import os
import secrets
import shutil
import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

import numpy as np

from dynp_plugins.errors import UserError

CACHE_VARIABLE = 'DYNP_CACHE'
MANIFEST = 'manifest.json'

_logger = logging.getLogger(__name__)
_STALE_SECONDS = 3600
_ATTEMPTS = 3
# Arrays whose checksum this process has compared, by their file's identity: (path, inode, size,
# time of last change).
_checked: set[tuple] = set()


class _Unusable(Exception):
    """The cached set cannot be used as it is; the message says why."""


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


def load_or_build(
    folder: Path, version: int, build: Callable[[], Mapping[str, np.ndarray]]
) -> dict[str, np.ndarray]:
    """Open a set of arrays; make and store it first where there is no good one.

    A missing set, a damaged one and one by another version of the generator are (re)built, and the
    log says so. Checksums are compared once per process, and again when a file has changed.

    Args:
        folder: the set's own folder. Its parent is created; whatever else stands in its place
            is replaced.
        version: version of the generator behind ``build``.
        build: makes the arrays, none of them empty; must give the same bytes every time.

    Returns:
        Read-only memory maps by name.

    Raises:
        UserError: the folder cannot be written, or what was written reads back damaged.
    """
    for _ in range(_ATTEMPTS):
        try:
            return _open(folder, version)
        except _Unusable as problem:
            reason = str(problem)
        level = logging.WARNING if os.path.lexists(folder) else logging.INFO
        _logger.log(level, 'building %s: %s', folder, reason)
        with _staging(folder) as stage:
            arrays = build()
            with _writing(folder):
                _write(stage, version, arrays)
                _install(stage, folder, version)
    raise UserError(
        f'the cache folder {folder} stays unusable after {_ATTEMPTS} builds ({reason}); '
        f'check the disk, or set {CACHE_VARIABLE} (or cache_dir) to a folder elsewhere'
    )


def _open(folder: Path, version: int) -> dict[str, np.ndarray]:
    """Map the arrays of a set and hold them against its manifest.

    Raises:
        _Unusable: anything is missing, damaged or by another generator.
    """
    if not os.path.lexists(folder):
        raise _Unusable('it does not exist yet')
    try:
        manifest = json.loads((folder / MANIFEST).read_text(encoding='utf-8'))
        found = manifest['version']
        if found != version:
            raise _Unusable(f'made by generator version {found}, this is version {version}')
        return {name: _map(folder, name, entry) for name, entry in manifest['arrays'].items()}
    except FileNotFoundError as error:
        raise _Unusable(f'{Path(error.filename).name} is missing') from error
    # Whatever a damaged manifest can make json and our own look-ups say, and any failure to read.
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise _Unusable(f'it cannot be read ({type(error).__name__}: {error})') from error


def _map(folder: Path, name: str, entry: Mapping) -> np.ndarray:
    path = folder / f'{name}.npy'
    status = path.stat()
    identity = (path.resolve(), status.st_ino, status.st_size, status.st_mtime_ns, entry['sha256'])
    # Before numpy reads the header, which may be what is damaged.
    if identity not in _checked:
        if _sha256(path) != entry['sha256']:
            raise _Unusable(f'{path.name} does not match its checksum')
        _checked.add(identity)
    array = np.lib.format.open_memmap(path, mode='r')
    if (list(array.shape), array.dtype.str) != (entry['shape'], entry['dtype']):
        raise _Unusable(f'{path.name} is {array.dtype.str} {array.shape}, not as the manifest says')
    return array


def _sha256(path: Path) -> str:
    digest = hashlib.sha256()
    with path.open('rb') as file:
        while block := file.read(1 << 20):
            digest.update(block)
    return digest.hexdigest()


@contextlib.contextmanager
def _writing(folder: Path) -> Iterator[None]:
    """Turn what the file system refuses into a `UserError`."""
    try:
        yield
    except OSError as error:
        raise UserError(
            f'cannot write the cache folder {folder} ({error}); make room or unlock it, '
            f'or set {CACHE_VARIABLE} (or cache_dir) to a folder that can be written'
        ) from error


@contextlib.contextmanager
def _staging(folder: Path) -> Iterator[Path]:
    """A new folder beside ``folder``, gone at the end whatever happens."""
    with _writing(folder):
        folder.parent.mkdir(parents=True, exist_ok=True)
        _sweep(folder)
        stage = _beside(folder)
        # Not tempfile: its folders are closed to everybody else, also after the renaming.
        stage.mkdir()
    try:
        yield stage
    finally:
        shutil.rmtree(stage, ignore_errors=True)


def _beside(folder: Path) -> Path:
    return folder.with_name(f'.{folder.name}.{os.getpid()}.{secrets.token_hex(4)}.tmp')


def _sweep(folder: Path) -> None:
    """Remove what builds that were killed long ago left beside ``folder``."""
    for leftover in folder.parent.glob(f'.{folder.name}.*.tmp'):
        with contextlib.suppress(OSError):
            if time.time() - leftover.stat().st_mtime > _STALE_SECONDS:
                _remove(leftover)


def _write(stage: Path, version: int, arrays: Mapping[str, np.ndarray]) -> None:
    entries = {}
    for name, array in arrays.items():
        path = stage / f'{name}.npy'
        np.save(path, array, allow_pickle=False)
        entries[name] = {
            'shape': list(array.shape),
            'dtype': array.dtype.str,
            'sha256': _sha256(path),
        }
    manifest = {'version': version, 'arrays': entries}
    (stage / MANIFEST).write_text(json.dumps(manifest, indent=2) + '\n', encoding='utf-8')


def _install(stage: Path, folder: Path, version: int) -> None:
    """Rename the finished set into place, unless another process has put a good one there."""
    try:
        _open(folder, version)
        return
    except _Unusable:
        pass  # and let go of its files: an open one cannot be moved on Windows
    # A folder with content cannot be renamed over, only moved out of the way.
    if os.path.lexists(folder):
        old = _beside(folder)
        with contextlib.suppress(FileNotFoundError):
            os.rename(folder, old)
            _remove(old)
    try:
        os.rename(stage, folder)
    except OSError as error:
        # Another process came in between: its set stands, and the caller opens that one.
        if error.errno not in (errno.EEXIST, errno.ENOTEMPTY):
            raise


def _remove(path: Path) -> None:
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path, ignore_errors=True)
    else:
        path.unlink(missing_ok=True)
