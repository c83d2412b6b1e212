"""The array cache: damage, interruption, other versions, several processes, locked folders."""

import errno
import json
import logging
import multiprocessing
import os
import time
from pathlib import Path

import numpy as np
import pytest

from dynp_plugins.atomic_files import STALE_SECONDS
from dynp_plugins.datasets import cache
from dynp_plugins.datasets.cache import load_or_build
from dynp_plugins.datasets.cache_folder import cache_root
from dynp_plugins.errors import UserError

if 'forkserver' in multiprocessing.get_all_start_methods():
    # One server imports the package (and torch with it), then its children start in no time.
    PROCESSES = multiprocessing.get_context('forkserver')
    PROCESSES.set_forkserver_preload([__name__])
else:
    PROCESSES = multiprocessing.get_context('spawn')


def arrays():
    return {
        'images': np.arange(2 * 4 * 4 * 3, dtype=np.uint8).reshape(2, 4, 4, 3),
        'labels': np.array([3, 5], np.int64),
    }


def never():
    raise AssertionError('a good cache was built again')


def assert_good(loaded):
    assert list(loaded) == ['images', 'labels']
    for name, array in arrays().items():
        assert loaded[name].dtype == array.dtype
        np.testing.assert_array_equal(loaded[name], array)


@pytest.fixture
def folder(tmp_path):
    return tmp_path / 'root' / 'set'


def assert_only(folder):
    """Nothing half-made lies about, neither in the cache nor in the set."""
    assert [path.name for path in folder.parent.iterdir()] == ['set']
    assert sorted(path.name for path in folder.iterdir()) == [
        'images.npy',
        'labels.npy',
        'manifest.json',
    ]


def test_built_once_then_mapped(folder):
    assert_good(load_or_build(folder, 1, arrays))
    again = load_or_build(folder, 1, never)
    assert_good(again)
    assert all(isinstance(array, np.memmap) for array in again.values())
    with pytest.raises(ValueError, match='read-only'):
        again['images'][0] = 0
    assert_only(folder)


def test_manifest_describes_the_arrays(folder):
    load_or_build(folder, 4, arrays)
    manifest = json.loads((folder / 'manifest.json').read_text())
    assert manifest['version'] == 4
    entry = manifest['arrays']['images']
    assert (entry['shape'], entry['dtype']) == ([2, 4, 4, 3], '|u1')
    assert len(entry['sha256']) == 64


def test_checksums_are_compared_once_per_process(folder, monkeypatch):
    load_or_build(folder, 1, arrays)

    def refuse(path):
        raise AssertionError(f'{path} was hashed a second time')

    monkeypatch.setattr(cache, 'file_sha256', refuse)
    assert_good(load_or_build(folder, 1, never))


def _flip(path, position):
    content = bytearray(path.read_bytes())
    content[position] ^= 0x10
    path.write_bytes(content)


def _edit_manifest(change):
    def damage(folder):
        path = folder / 'manifest.json'
        manifest = json.loads(path.read_text())
        change(manifest)
        path.write_text(json.dumps(manifest))

    return damage


DAMAGE = {
    'one bit of a picture': lambda folder: _flip(folder / 'images.npy', -1),
    'one bit of a header': lambda folder: _flip(folder / 'images.npy', 20),
    'magic number': lambda folder: _flip(folder / 'labels.npy', 0),
    'array cut short': lambda folder: os.truncate(folder / 'images.npy', 150),
    'array empty': lambda folder: os.truncate(folder / 'images.npy', 0),
    'array missing': lambda folder: (folder / 'labels.npy').unlink(),
    'array of another set': lambda folder: np.save(folder / 'labels.npy', np.array([3, 6])),
    'manifest cut short': lambda folder: os.truncate(folder / 'manifest.json', 60),
    'manifest empty': lambda folder: os.truncate(folder / 'manifest.json', 0),
    'manifest missing': lambda folder: (folder / 'manifest.json').unlink(),
    'manifest is a list': lambda folder: (folder / 'manifest.json').write_text('[1]'),
    'manifest is not text': lambda folder: (folder / 'manifest.json').write_bytes(b'\xff\xfe{'),
    'manifest without arrays': _edit_manifest(lambda manifest: manifest.pop('arrays')),
    'manifest without version': _edit_manifest(lambda manifest: manifest.pop('version')),
    'manifest without a checksum': _edit_manifest(
        lambda manifest: manifest['arrays']['images'].pop('sha256')
    ),
    'manifest with another shape': _edit_manifest(
        lambda manifest: manifest['arrays']['images'].update(shape=[4, 2, 4, 3])
    ),
    'manifest with another dtype': _edit_manifest(
        lambda manifest: manifest['arrays']['labels'].update(dtype='<f8')
    ),
}


@pytest.mark.parametrize('damage', DAMAGE.values(), ids=DAMAGE.keys())
def test_damage_is_found_logged_and_repaired(folder, damage, caplog):
    load_or_build(folder, 1, arrays)
    damage(folder)
    with caplog.at_level(logging.WARNING, logger='dynp_plugins'):
        assert_good(load_or_build(folder, 1, arrays))
    assert [str(folder) in record.getMessage() for record in caplog.records] == [True]
    assert_good(load_or_build(folder, 1, never))
    assert_only(folder)


@pytest.mark.parametrize(('stored', 'wanted'), [(1, 2), (2, 1)])
def test_set_of_another_generator_version_is_rebuilt(folder, caplog, stored, wanted):
    load_or_build(folder, stored, lambda: {'old': np.zeros(3)})
    with caplog.at_level(logging.WARNING, logger='dynp_plugins'):
        assert_good(load_or_build(folder, wanted, arrays))
    assert f'version {stored}, this is version {wanted}' in caplog.text
    assert_only(folder)


def test_a_file_in_the_place_of_the_set_is_replaced(folder):
    folder.parent.mkdir()
    folder.write_text('not a folder')
    assert_good(load_or_build(folder, 1, arrays))
    assert_only(folder)


def test_interrupted_while_making_the_arrays(folder):
    def interrupted():
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        load_or_build(folder, 1, interrupted)
    assert list(folder.parent.iterdir()) == []
    assert_good(load_or_build(folder, 1, arrays))


def test_interrupted_while_writing_keeps_the_old_set(folder, monkeypatch):
    load_or_build(folder, 1, lambda: {'old': np.zeros(3)})
    save, calls = np.save, []

    def save_one(*args, **kwargs):
        calls.append(args)
        if len(calls) == 2:
            raise KeyboardInterrupt
        save(*args, **kwargs)

    monkeypatch.setattr(np, 'save', save_one)
    with pytest.raises(KeyboardInterrupt):
        load_or_build(folder, 2, arrays)
    assert [path.name for path in folder.parent.iterdir()] == ['set']
    assert list(load_or_build(folder, 1, never)) == ['old']


def _killed_before_renaming(folder):
    cache.install = lambda *_: os._exit(9)
    load_or_build(folder, 1, arrays)


def test_killed_process_leaves_no_half_set(folder):
    process = PROCESSES.Process(target=_killed_before_renaming, args=(folder,))
    process.start()
    process.join(60)
    assert process.exitcode == 9
    assert not folder.exists()
    (leftover,) = folder.parent.iterdir()
    assert_good(load_or_build(folder, 1, arrays))
    # It could still belong to a running build, so it goes only when it is old.
    assert leftover.exists()
    long_ago = time.time() - 2 * STALE_SECONDS
    os.utime(leftover, (long_ago, long_ago))
    load_or_build(folder, 2, arrays)
    assert_only(folder)


def _build_together(folder, barrier, results):
    waited = []

    def build():
        # Every process has found the cache wanting before the first of them writes.
        if not waited:
            waited.append(True)
            barrier.wait(60)
        return arrays()

    try:
        assert_good(load_or_build(folder, 1, build))
        results.put('good')
    except BaseException as error:
        results.put(repr(error))


@pytest.mark.parametrize('before', ['nothing', 'a damaged set'])
def test_processes_may_build_at_the_same_time(folder, before):
    if before == 'a damaged set':
        load_or_build(folder, 1, arrays)
        (folder / 'labels.npy').unlink()
    barrier, results = PROCESSES.Barrier(3), PROCESSES.Queue()
    processes = [
        PROCESSES.Process(target=_build_together, args=(folder, barrier, results)) for _ in range(3)
    ]
    for process in processes:
        process.start()
    assert [results.get(timeout=120) for _ in processes] == ['good'] * 3
    for process in processes:
        process.join(60)
    assert_good(load_or_build(folder, 1, never))
    assert_only(folder)


def test_another_process_finishing_first_wins(folder):
    def overtaken():
        load_or_build(folder, 1, arrays)
        first.append((folder / 'images.npy').stat().st_ino)
        return arrays()

    first = []
    assert_good(load_or_build(folder, 1, overtaken))
    assert (folder / 'images.npy').stat().st_ino == first[0]
    assert_only(folder)


def _assert_names_the_way_out(message, folder):
    assert str(folder) in message
    assert 'DYNP_CACHE' in message


def test_cache_below_a_file_cannot_be_written(tmp_path):
    (tmp_path / 'file').write_text('')
    folder = tmp_path / 'file' / 'set'
    with pytest.raises(UserError) as caught:
        load_or_build(folder, 1, never)
    _assert_names_the_way_out(str(caught.value), folder)


@pytest.mark.skipif(
    not hasattr(os, 'geteuid') or os.geteuid() == 0, reason='permissions do not bind root'
)
def test_read_only_folder_is_named_but_a_good_set_in_it_opens(folder):
    load_or_build(folder, 1, arrays)
    folder.parent.chmod(0o555)
    try:
        assert_good(load_or_build(folder, 1, never))
        with pytest.raises(UserError) as caught:
            load_or_build(folder, 2, never)
    finally:
        folder.parent.chmod(0o755)
    _assert_names_the_way_out(str(caught.value), folder)


def test_full_disk_is_named_and_leaves_nothing(folder, monkeypatch):
    def full(*args, **kwargs):
        raise OSError(errno.ENOSPC, 'No space left on device')

    monkeypatch.setattr(np, 'save', full)
    with pytest.raises(UserError, match='No space left on device') as caught:
        load_or_build(folder, 1, arrays)
    _assert_names_the_way_out(str(caught.value), folder)
    assert list(folder.parent.iterdir()) == []


def test_a_disk_that_never_reads_back_right_ends_in_an_error(folder, monkeypatch):
    write = cache._write

    def write_badly(stage, *args):
        write(stage, *args)
        _flip(stage / 'images.npy', -1)

    monkeypatch.setattr(cache, '_write', write_badly)
    with pytest.raises(UserError, match='does not match its checksum') as caught:
        load_or_build(folder, 1, arrays)
    _assert_names_the_way_out(str(caught.value), folder)


def test_an_error_of_the_maker_is_not_taken_for_the_cache_folder(folder):
    def broken():
        raise FileNotFoundError('the scans are gone')

    with pytest.raises(FileNotFoundError, match='the scans are gone'):
        load_or_build(folder, 1, broken)


def test_cache_folder_order(monkeypatch, tmp_path):
    monkeypatch.setenv('HOME', str(tmp_path))
    monkeypatch.setenv('USERPROFILE', str(tmp_path))
    monkeypatch.delenv('DYNP_CACHE', raising=False)
    monkeypatch.delenv('XDG_CACHE_HOME', raising=False)
    default = tmp_path / '.cache' / 'dynp_plugins'
    assert cache_root() == default
    monkeypatch.setenv('XDG_CACHE_HOME', 'relative/is/ignored')
    assert cache_root() == default
    monkeypatch.setenv('XDG_CACHE_HOME', str(tmp_path / 'xdg'))
    assert cache_root() == tmp_path / 'xdg' / 'dynp_plugins'
    monkeypatch.setenv('DYNP_CACHE', '~/mine')
    assert cache_root() == tmp_path / 'mine'
    assert cache_root('given') == Path('given')
    assert cache_root(tmp_path) == tmp_path
    monkeypatch.setenv('DYNP_CACHE', '')
    assert cache_root() == tmp_path / 'xdg' / 'dynp_plugins'


def test_home_that_cannot_be_found_is_a_user_error(monkeypatch):
    with pytest.raises(UserError, match='DYNP_CACHE'):
        cache_root('~nobody-of-this-name/cache')
