"""Files that are made aside and moved into place, and the list of those that were."""

import hashlib
import os
import subprocess
import sys

import pytest

from dynp_plugins.errors import UserError
from reports.staging import SUMS, check_sums, move_into_place, read_sums, staged_folder

KNOWN, FOLDERS = ('a.txt', 'b.txt'), ('tables',)


def publish(destination, **files):
    """Put files there; double underscores stand for folders, single ones for dots."""
    with staged_folder(destination) as staged:
        for name, text in files.items():
            path = staged / name.replace('__', '/').replace('_', '.')
            path.parent.mkdir(exist_ok=True)
            path.write_text(text)
        move_into_place(staged, destination, 'a.txt', KNOWN, FOLDERS)


def names(folder):
    return sorted(p.relative_to(folder).as_posix() for p in folder.rglob('*') if p.is_file())


def test_files_and_their_list(tmp_path):
    publish(tmp_path / 'new', a_txt='one', tables__t_npz='two')
    assert names(tmp_path / 'new') == [SUMS, 'a.txt', 'tables/t.npz']
    digest = hashlib.sha256(b'two').hexdigest()
    assert f'{digest}  tables/t.npz\n' in (tmp_path / 'new' / SUMS).read_text()
    assert check_sums(tmp_path / 'new') == []


def test_the_list_is_that_of_coreutils(tmp_path):
    publish(tmp_path, a_txt='one', tables__t_npz='two')
    with staged_folder(tmp_path) as staged:
        (staged / 'a.txt').write_text('one')
        (staged / 'tables').mkdir()
        (staged / 'tables' / 'line\nbreak\\.npz').write_text('two')
        move_into_place(staged, tmp_path, 'a.txt', KNOWN, FOLDERS)
    assert set(read_sums(tmp_path)) == {'a.txt', 'tables/line\nbreak\\.npz'}
    assert check_sums(tmp_path) == []
    try:
        done = subprocess.run(
            ['sha256sum', '--check', '--strict', SUMS], cwd=tmp_path, capture_output=True, text=True
        )
    except FileNotFoundError:
        pytest.skip('there is no sha256sum')
    assert done.returncode == 0, done.stderr


def test_changed_and_missing_files_are_named(tmp_path):
    publish(tmp_path, a_txt='one', b_txt='two', tables__t_npz='three')
    (tmp_path / 'a.txt').write_text('other')
    (tmp_path / 'tables/t.npz').unlink()
    (tmp_path / 'mine').write_text('not listed')
    first, second = check_sums(tmp_path)
    assert 'a.txt' in first and 'has changed' in first
    assert 'tables/t.npz' in second and 'not there' in second
    (tmp_path / SUMS).unlink()
    with pytest.raises(UserError, match='no SHA256SUMS'):
        check_sums(tmp_path)


def test_a_list_that_lies_removes_nothing_of_others(tmp_path):
    """Whatever it names: only known files, and those right in known folders, are the report's."""
    folder = tmp_path / 'report'
    publish(folder, a_txt='one')
    others = [tmp_path / 'outside', folder / 'notes.txt', folder / 'other/x', folder / 'tables/y/z']
    for path in others:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text('mine')
    lies = ['../outside', 'notes.txt', 'other/x', 'tables/y/z', 'tables/../../outside', 'tables/..']
    lies += [str(tmp_path / 'outside'), 'tables/old.npz', 'b.txt']
    for name in ('tables/old.npz', 'b.txt'):
        (folder / name).write_text('old')
    (folder / SUMS).write_text(''.join(f'{"0" * 64}  {name}\n' for name in lies))
    publish(folder, a_txt='two')
    assert all(path.read_text() == 'mine' for path in others)
    assert names(folder) == [SUMS, 'a.txt', 'notes.txt', 'other/x', 'tables/y/z']


def test_a_failure_leaves_nothing(tmp_path):
    publish(tmp_path, a_txt='one')
    with pytest.raises(RuntimeError), staged_folder(tmp_path) as staged:
        (staged / 'a.txt').write_text('half')
        raise RuntimeError
    assert names(tmp_path) == [SUMS, 'a.txt'] and (tmp_path / 'a.txt').read_text() == 'one'


def test_what_a_dead_process_left_is_removed_and_that_of_a_living_one_is_not(tmp_path):
    dead = subprocess.run([sys.executable, '-c', 'import os; print(os.getpid())'], stdout=-1)
    living = tmp_path / f'.staged.{os.getppid()}.tmp'
    for folder in (living, tmp_path / f'.staged.{int(dead.stdout)}.tmp'):
        folder.mkdir()
        (folder / 'a.txt').write_text('half')
    publish(tmp_path, a_txt='one')
    assert sorted(path.name for path in tmp_path.iterdir()) == [living.name, SUMS, 'a.txt']


def test_a_folder_that_cannot_be_made(tmp_path):
    (tmp_path / 'file').write_text('mine')
    with pytest.raises(UserError, match='cannot write to'):
        publish(tmp_path / 'file', a_txt='one')
