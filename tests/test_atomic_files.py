"""Folders that appear whole or not at all."""

import os
import time

import pytest

from dynp_plugins import UserError
from dynp_plugins.atomic_files import STALE_SECONDS, atomic_folder


def names(folder):
    return sorted(path.name for path in folder.iterdir())


def test_a_folder_appears_when_all_is_done(tmp_path):
    target = tmp_path / 'new' / 'folder'
    with atomic_folder(target) as staged:
        (staged / 'a.txt').write_text('a')
        assert not target.exists()
    assert names(target) == ['a.txt']
    assert names(target.parent) == ['folder']


def test_a_former_folder_goes_only_then(tmp_path):
    (tmp_path / 'folder').mkdir()
    (tmp_path / 'folder/old.txt').write_text('old')
    refused = pytest.raises(UserError, match='it is there already')
    with refused, atomic_folder(tmp_path / 'folder'):
        pass
    failing = pytest.raises(ZeroDivisionError)
    with failing, atomic_folder(tmp_path / 'folder', replaces=True) as staged:
        (staged / 'new.txt').write_text(str(1 / 0))
    assert names(tmp_path / 'folder') == ['old.txt']
    with atomic_folder(tmp_path / 'folder', replaces=True) as staged:
        (staged / 'new.txt').write_text('new')
    assert names(tmp_path / 'folder') == ['new.txt']
    assert names(tmp_path) == ['folder']


def test_a_file_makes_no_room(tmp_path):
    (tmp_path / 'file').write_text('mine')
    refused = pytest.raises(UserError, match='it is there already')
    with refused, atomic_folder(tmp_path / 'file', replaces=True):
        pass
    assert (tmp_path / 'file').read_text() == 'mine'


def test_what_appears_meanwhile_is_kept(tmp_path):
    refused = pytest.raises(UserError, match='it is there already')
    with refused, atomic_folder(tmp_path / 'folder') as staged:
        (staged / 'new.txt').write_text('new')
        (tmp_path / 'folder').mkdir()
        (tmp_path / 'folder/mine.txt').write_text('mine')
    assert names(tmp_path / 'folder') == ['mine.txt']
    assert names(tmp_path) == ['folder']


def test_a_link_is_followed(tmp_path):
    (tmp_path / 'there').mkdir()
    (tmp_path / 'there/old.txt').write_text('old')
    link = tmp_path / 'link'
    link.symlink_to('there')
    with atomic_folder(link, replaces=True) as staged:
        (staged / 'new.txt').write_text('new')
    assert link.is_symlink()
    assert names(tmp_path / 'there') == ['new.txt']
    assert names(tmp_path) == ['link', 'there']


def test_leftovers_of_killed_processes(tmp_path):
    fresh, stale = (tmp_path / f'.folder.{os.getpid()}{end}.tmp' for end in ('', '.1f'))
    for leftover in (fresh, stale):
        leftover.mkdir()
    long_ago = time.time() - 2 * STALE_SECONDS
    os.utime(stale, (long_ago, long_ago))
    with atomic_folder(tmp_path / 'folder') as staged:
        (staged / 'new.txt').write_text('new')
    # The fresh one could still belong to somebody.
    assert names(tmp_path) == [fresh.name, 'folder']
