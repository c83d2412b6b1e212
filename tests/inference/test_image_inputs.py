"""What counts as pictures, in which order, and what is refused."""

import os
import re
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from dynp_plugins import UserError
from dynp_plugins.inference.image_inputs import PICTURES


@pytest.fixture
def folder(tmp_path):
    for name in ('b.PNG', 'a.jpg', 'sub/c.webp', 'sub/.hidden.png', '.git/d.png', 'notes.txt'):
        path = tmp_path / name
        path.parent.mkdir(exist_ok=True)
        path.touch()
    return tmp_path


def names(pictures, folder):
    return [Path(picture).relative_to(folder).as_posix() for picture in pictures]


def test_a_folder_stands_for_its_pictures_sorted(folder):
    for given in (folder, str(folder)):
        assert names(PICTURES.expand(given), folder) == ['a.jpg', 'b.PNG', 'sub/c.webp']


def test_other_files_of_a_folder_are_counted_in_the_log(folder, caplog):
    caplog.set_level('INFO')
    PICTURES.expand(folder)
    assert 'left out 1 other files' in caplog.text
    assert '1 .txt' in caplog.text


def test_a_folder_that_links_to_itself_ends(folder):
    (folder / 'sub/up').symlink_to(folder)
    (folder / 'sub/other').symlink_to(folder / 'sub')
    assert names(PICTURES.expand(folder), folder) == ['a.jpg', 'b.PNG', 'sub/c.webp']


def test_a_linked_folder_is_followed(folder, tmp_path_factory):
    elsewhere = tmp_path_factory.mktemp('elsewhere')
    (elsewhere / 'e.png').touch()
    (folder / 'linked').symlink_to(elsewhere)
    assert 'linked/e.png' in names(PICTURES.expand(folder), folder)


def test_a_mixed_list_keeps_its_order(folder):
    array, image = np.zeros((2, 3, 3), np.uint8), Image.new('L', (2, 2))
    pictures = PICTURES.expand((array, folder / 'sub', 'missing.jpg', image, Path('x.txt')))
    assert pictures[0] is array
    assert pictures[1:3] == [str(folder / 'sub/c.webp'), 'missing.jpg']
    assert pictures[3] is image
    assert pictures[4] == 'x.txt'  # a file that is named is tried, whatever it is called
    assert PICTURES.expand([]) == []


@pytest.mark.parametrize(
    ('given', 'message'),
    [
        ('nowhere/a.jpg', 'there is no picture or folder nowhere/a.jpg'),
        (7, 'not as a int'),
        (['a.jpg', None], 'not as a NoneType'),
        ([['a.jpg']], 'not as a list'),
        (np.zeros((4, 4), np.uint8), '(4, 4) of uint8'),
        (np.zeros((4, 4, 4), np.uint8), '(4, 4, 4) of uint8'),
        (np.zeros((4, 4, 3), np.float32), 'of float32'),
        (np.zeros((0, 4, 3), np.uint8), '(0, 4, 3)'),
        (np.zeros((2, 4, 4, 3), np.uint8), 'BGR'),
    ],
    ids=str,
)
def test_what_is_no_picture_is_refused(given, message):
    with pytest.raises(UserError, match=re.escape(message)):
        PICTURES.expand(given)


def test_a_folder_without_pictures_is_refused(tmp_path):
    (tmp_path / 'notes.txt').touch()
    with pytest.raises(UserError, match='no picture in the folder'):
        PICTURES.expand(tmp_path)
    with pytest.raises(UserError, match='no picture in the folder'):
        PICTURES.expand(['a.jpg', tmp_path])


@pytest.mark.skipif(os.name == 'nt' or os.geteuid() == 0, reason='everything may be read')
def test_a_folder_that_may_not_be_read_is_refused(folder):
    (folder / 'sub').chmod(0)
    try:
        with pytest.raises(UserError, match='cannot look into the folder'):
            PICTURES.expand(folder)
    finally:
        (folder / 'sub').chmod(0o755)
