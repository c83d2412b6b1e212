"""Sets of files in the cache: the same care as for arrays, see `test_cache`."""

import errno
import json
import logging
import os
from pathlib import Path

import pytest

from dynp_plugins.datasets import cache
from dynp_plugins.datasets.cache import load_or_build, load_or_build_files
from dynp_plugins.errors import UserError
from tests.datasets.test_cache import PROCESSES

FILES = {'0.mp4': bytes(range(256)) * 8, '1.mp4': b'second', 'clips.txt': b'0.mp4 1\n1.mp4 0\n'}


def files():
    yield from FILES.items()


def never():
    raise AssertionError('a good cache was built again')


def assert_good(folder):
    """All files as they were made; nothing half-made lies about."""
    assert {
        path.name: path.read_bytes() for path in folder.iterdir() if path.name in FILES
    } == FILES
    assert sorted(path.name for path in folder.iterdir()) == [*FILES, 'manifest.json']
    assert [path.name for path in folder.parent.iterdir()] == ['set']


@pytest.fixture
def folder(tmp_path):
    return tmp_path / 'root' / 'set'


def test_built_once_then_found(folder):
    assert load_or_build_files(folder, 1, files) == folder
    assert_good(folder)
    assert load_or_build_files(folder, 1, never) == folder


def test_checksums_are_compared_once_per_process(folder, monkeypatch):
    load_or_build_files(folder, 1, files)

    def refuse(path):
        raise AssertionError(f'{path} was hashed a second time')

    load_or_build_files(folder, 1, never)
    monkeypatch.setattr(cache, 'file_sha256', refuse)
    load_or_build_files(folder, 1, never)


def _flip(path):
    content = bytearray(path.read_bytes())
    content[1000] ^= 1
    path.write_bytes(content)


def _without_files(folder):
    (folder / 'manifest.json').write_text(json.dumps({'version': 1}))


DAMAGE = {
    'one bit': lambda folder: _flip(folder / '0.mp4'),
    'a file missing': lambda folder: (folder / '1.mp4').unlink(),
    'a file cut short': lambda folder: os.truncate(folder / '0.mp4', 100),
    'another file in its place': lambda folder: (folder / '1.mp4').write_bytes(b'tampon'),
    'a folder in its place': lambda folder: [
        (folder / '1.mp4').unlink(),
        (folder / '1.mp4').mkdir(),
    ],
    'manifest missing': lambda folder: (folder / 'manifest.json').unlink(),
    'manifest cut short': lambda folder: os.truncate(folder / 'manifest.json', 50),
    'manifest without files': _without_files,
}


@pytest.mark.parametrize('damage', DAMAGE.values(), ids=DAMAGE.keys())
@pytest.mark.parametrize('opened_before', [True, False])
def test_damage_is_found_logged_and_repaired(folder, damage, opened_before, caplog):
    load_or_build_files(folder, 1, files)
    if not opened_before:  # as another process would find it
        cache._checked.clear()
    damage(folder)
    with caplog.at_level(logging.WARNING, logger='dynp_plugins'):
        load_or_build_files(folder, 1, files)
    assert [str(folder) in record.getMessage() for record in caplog.records] == [True]
    assert_good(folder)
    load_or_build_files(folder, 1, never)


@pytest.mark.parametrize(
    'other', [lambda: (('old.mp4', b'old'),), lambda: ()], ids=['other files', 'none']
)
def test_set_of_another_generator_version_is_rebuilt(folder, other):
    load_or_build_files(folder, 1, other)
    load_or_build_files(folder, 2, files)
    assert_good(folder)


def test_a_set_of_arrays_is_not_taken_for_one_of_files(folder):
    import numpy as np

    load_or_build(folder, 1, lambda: {'labels': np.zeros(3)})
    load_or_build_files(folder, 1, files)
    assert_good(folder)


def test_interrupted_between_two_files_leaves_nothing_and_keeps_the_old_set(folder):
    def interrupted():
        yield '0.mp4', b'half'
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        load_or_build_files(folder, 1, interrupted)
    assert list(folder.parent.iterdir()) == []
    load_or_build_files(folder, 1, files)
    with pytest.raises(KeyboardInterrupt):
        load_or_build_files(folder, 2, interrupted)
    assert_good(folder)
    load_or_build_files(folder, 1, never)


def _killed_between_two_files(folder):
    def killed():
        yield '0.mp4', FILES['0.mp4']
        os._exit(9)

    load_or_build_files(folder, 1, killed)


def test_a_killed_process_leaves_no_half_set(folder):
    process = PROCESSES.Process(target=_killed_between_two_files, args=(folder,))
    process.start()
    process.join(60)
    assert process.exitcode == 9
    assert not folder.exists()
    load_or_build_files(folder, 1, files)
    assert {
        path.name: path.read_bytes() for path in folder.iterdir() if path.name in FILES
    } == FILES


def _build_together(folder, barrier, results):
    waited = []

    def build():
        # Every process has found the cache wanting before the first of them writes.
        if not waited:
            waited.append(True)
            barrier.wait(60)
        yield from files()

    try:
        found = load_or_build_files(folder, 1, build)
        results.put({name: (found / name).read_bytes() for name in FILES} == FILES)
    except BaseException as error:
        results.put(repr(error))


@pytest.mark.parametrize('before', ['nothing', 'a damaged set'])
def test_processes_may_build_at_the_same_time(folder, before):
    if before == 'a damaged set':
        load_or_build_files(folder, 1, files)
        (folder / '1.mp4').unlink()
    barrier, results = PROCESSES.Barrier(2), PROCESSES.Queue()
    processes = [
        PROCESSES.Process(target=_build_together, args=(folder, barrier, results)) for _ in range(2)
    ]
    for process in processes:
        process.start()
    assert [results.get(timeout=120) for _ in processes] == [True, True]
    for process in processes:
        process.join(60)
    load_or_build_files(folder, 1, never)
    assert_good(folder)


def test_full_disk_is_named_and_leaves_nothing(folder, monkeypatch):
    def full(*args):
        raise OSError(errno.ENOSPC, 'No space left on device')

    monkeypatch.setattr(Path, 'write_bytes', full)
    with pytest.raises(UserError, match='No space left on device') as caught:
        load_or_build_files(folder, 1, files)
    assert str(folder) in str(caught.value)
    assert 'DYNP_CACHE' in str(caught.value)
    assert list(folder.parent.iterdir()) == []


def test_an_error_of_the_maker_is_not_taken_for_the_cache_folder(folder):
    def broken():
        yield '0.mp4', b'first'
        raise FileNotFoundError('the encoder is gone')

    with pytest.raises(FileNotFoundError, match='the encoder is gone'):
        load_or_build_files(folder, 1, broken)
    assert list(folder.parent.iterdir()) == []
