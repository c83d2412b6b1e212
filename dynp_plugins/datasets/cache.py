"""A cache of data that are made once: checked when opened, rebuilt when damaged.

One folder per set, of arrays (``<name>.npy`` for each) or of any other files, and in it
``manifest.json`` with the version of the generator and, per file, its SHA-256; of an array its
shape and dtype, too. A set is written beside its final place and then renamed into it, so that
nobody ever sees half of one, whoever is killed and however many processes build at once.
"""

import contextlib
import hashlib
import json
import logging
import os
from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path
from typing import TypeVar

import numpy as np

from dynp_plugins.datasets.cache_folder import CACHE_VARIABLE, install, staging, writing
from dynp_plugins.errors import UserError
from dynp_plugins.file_hashes import file_sha256

MANIFEST = 'manifest.json'

_logger = logging.getLogger(__name__)
_ATTEMPTS = 3
# Files whose checksum this process has compared, by their identity: (path, inode, size, time of
# last change, checksum).
_checked: set[tuple] = set()
_Set = TypeVar('_Set')  # what the caller gets of a set


class _Unusable(Exception):
    """The cached set cannot be used as it is; the message says why."""


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

    def write(stage: Path) -> None:
        arrays = build()
        with writing(folder):
            _write(stage, version, arrays)

    return _load_or_write(folder, lambda: _open(folder, version), write)


def load_or_build_files(
    folder: Path, version: int, build: Callable[[], Iterable[tuple[str, bytes]]]
) -> Path:
    """As `load_or_build`, for files of any kind.

    Args:
        folder: the set's own folder.
        version: version of the generator behind ``build``.
        build: makes the files one after the other: a plain name and the content of each.

    Returns:
        The folder, all its files as they were written.

    Raises:
        UserError: the folder cannot be written, or what was written reads back damaged.
    """
    return _load_or_write(
        folder,
        lambda: _open_files(folder, version),
        lambda stage: _write_files(stage, folder, version, build()),
    )


def _load_or_write(
    folder: Path, open_set: Callable[[], _Set], write: Callable[[Path], None]
) -> _Set:
    """Open a set; where that fails, have it written to a folder beside it and put into place."""
    for _ in range(_ATTEMPTS):
        try:
            return open_set()
        except _Unusable as problem:
            reason = str(problem)
        level = logging.WARNING if os.path.lexists(folder) else logging.INFO
        _logger.log(level, 'building %s: %s', folder, reason)
        with staging(folder) as stage:
            write(stage)
            with writing(folder):
                install(stage, folder, lambda: _opens(open_set))
    raise UserError(
        f'the cache folder {folder} stays unusable after {_ATTEMPTS} builds ({reason}); '
        f'check the disk, or set {CACHE_VARIABLE} (or cache_dir) to a folder elsewhere'
    )


def _opens(open_set: Callable[[], object]) -> bool:
    try:
        open_set()
    except _Unusable:
        return False
    return True


def _open(folder: Path, version: int) -> dict[str, np.ndarray]:
    """Map the arrays of a set and hold them against its manifest.

    Raises:
        _Unusable: anything is missing, damaged or by another generator.
    """
    with _reading(folder):
        arrays = _read_manifest(folder, version)['arrays']
        return {name: _map(folder, name, entry) for name, entry in arrays.items()}


def _open_files(folder: Path, version: int) -> Path:
    """Hold the files of a set against its manifest.

    Raises:
        _Unusable: anything is missing, damaged or by another generator.
    """
    with _reading(folder):
        for name, sha256 in _read_manifest(folder, version)['files'].items():
            _check(folder / name, sha256)
    return folder


@contextlib.contextmanager
def _reading(folder: Path) -> Iterator[None]:
    """Turn whatever can go wrong with a set into `_Unusable`."""
    if not os.path.lexists(folder):
        raise _Unusable('it does not exist yet')
    try:
        yield
    except FileNotFoundError as error:
        raise _Unusable(f'{Path(error.filename).name} is missing') from error
    # Whatever a damaged manifest can make json and our own look-ups say, and any failure to read.
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise _Unusable(f'it cannot be read ({type(error).__name__}: {error})') from error


def _read_manifest(folder: Path, version: int) -> dict:
    manifest = json.loads((folder / MANIFEST).read_text(encoding='utf-8'))
    found = manifest['version']
    if found != version:
        raise _Unusable(f'made by generator version {found}, this is version {version}')
    return manifest


def _map(folder: Path, name: str, entry: Mapping) -> np.ndarray:
    path = folder / f'{name}.npy'
    # Before numpy reads the header, which may be what is damaged.
    _check(path, entry['sha256'])
    array = np.lib.format.open_memmap(path, mode='r')
    if (list(array.shape), array.dtype.str) != (entry['shape'], entry['dtype']):
        raise _Unusable(f'{path.name} is {array.dtype.str} {array.shape}, not as the manifest says')
    return array


def _check(path: Path, sha256: str) -> None:
    status = path.stat()
    identity = (path.resolve(), status.st_ino, status.st_size, status.st_mtime_ns, sha256)
    if identity not in _checked:
        if file_sha256(path) != sha256:
            raise _Unusable(f'{path.name} does not match its checksum')
        _checked.add(identity)


def _write(stage: Path, version: int, arrays: Mapping[str, np.ndarray]) -> None:
    entries = {}
    for name, array in arrays.items():
        path = stage / f'{name}.npy'
        np.save(path, array, allow_pickle=False)
        entries[name] = {
            'shape': list(array.shape),
            'dtype': array.dtype.str,
            'sha256': file_sha256(path),
        }
    _write_manifest(stage, {'version': version, 'arrays': entries})


def _write_files(
    stage: Path, folder: Path, version: int, files: Iterable[tuple[str, bytes]]
) -> None:
    checksums = {}
    for name, content in files:
        with writing(folder):
            (stage / name).write_bytes(content)
        checksums[name] = hashlib.sha256(content).hexdigest()
    with writing(folder):
        _write_manifest(stage, {'version': version, 'files': checksums})


def _write_manifest(stage: Path, manifest: dict) -> None:
    (stage / MANIFEST).write_text(json.dumps(manifest, indent=2) + '\n', encoding='utf-8')
