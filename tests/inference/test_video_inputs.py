"""What counts as videos, in which order, and what is refused."""

import re

import numpy as np
import pytest
from PIL import Image

from dynp_plugins import UserError
from dynp_plugins.inference.image_inputs import PICTURES
from dynp_plugins.inference.sample_kinds import PICTURE_SUFFIXES, VIDEO_SUFFIXES
from dynp_plugins.inference.video_inputs import VIDEOS, frame_folders

from .tiny_videos import make_video, save_video


def touch(folder, *names):
    for name in names:
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()
    return folder


def test_a_folder_stands_for_its_videos_sorted(tmp_path, caplog):
    caplog.set_level('INFO')
    folder = touch(tmp_path, 'b.MP4', 'a.webm', 'sub/c.avi', 'sub/.d.mp4', '.e/f.mp4', 'g.jpg')
    expected = [str(folder / name) for name in ('a.webm', 'b.MP4', 'sub/c.avi')]
    assert VIDEOS.expand(folder) == VIDEOS.expand([folder]) == expected
    assert 'left out 1 other files' in caplog.text


def test_a_folder_without_videos_says_what_it_found(tmp_path):
    touch(tmp_path, 'a.jpg', 'b.jpg')
    with pytest.raises(UserError, match=r'no video in the folder .*\.mp4.* and found 2 \.jpg'):
        VIDEOS.expand(tmp_path)


def test_a_mixed_list_keeps_its_order(tmp_path):
    frames = make_video(2, 4, 4)
    touch(tmp_path / 'sub', 'c.mp4')
    videos = VIDEOS.expand([frames, tmp_path / 'sub', 'missing.mp4', 'x.txt'])
    assert videos[0] is frames
    assert videos[1:] == [str(tmp_path / 'sub/c.mp4'), 'missing.mp4', 'x.txt']


@pytest.mark.parametrize('suffix', ['.jpg', '.png', '.webp', ''])
def test_a_picture_is_no_video(tmp_path, suffix):
    path = tmp_path / f'a{suffix}'
    Image.new('RGB', (8, 8)).save(path, 'PNG' if not suffix else None)
    with pytest.raises(UserError, match=f'{path}: this is a picture, but the network takes videos'):
        VIDEOS.expand(path)
    assert VIDEOS.expand([path]) == [str(path)]  # in a list it is the reader's to report
    assert PICTURES.expand(path) == [str(path)]


def test_a_video_is_no_picture(tmp_path):
    path = save_video(tmp_path / 'a.mp4', make_video(2))
    with pytest.raises(UserError, match=f'{path}: this is a video, but the network takes pictures'):
        PICTURES.expand(path)
    assert PICTURES.expand([path]) == [path]
    assert VIDEOS.expand(path) == [path]


def test_no_suffix_is_of_both_kinds():
    assert not set(PICTURE_SUFFIXES) & set(VIDEO_SUFFIXES)


@pytest.mark.parametrize(
    ('given', 'message'),
    [
        ('nowhere/a.mp4', 'there is no video or folder nowhere/a.mp4'),
        (7, 'not as a int'),
        ([['a.mp4']], 'not as a list'),
        pytest.param(
            Image.new('RGB', (2, 2)), 'takes videos, but was given a picture', id='a picture'
        ),
        (np.zeros((4, 4, 3), np.uint8), '(4, 4, 3) of uint8; this network takes videos'),
        (np.zeros((2, 4, 4, 3), np.float32), 'of float32'),
        (np.zeros((0, 4, 4, 3), np.uint8), '(0, 4, 4, 3)'),
        (np.zeros((2, 3, 4, 4), np.uint8), 'BGR'),
    ],
    ids=str,
)
def test_what_is_no_video_is_refused(given, message):
    with pytest.raises(UserError, match=re.escape(message)):
        VIDEOS.expand(given)


def test_an_array_of_a_video_is_no_picture():
    with pytest.raises(UserError, match='this network takes pictures, no videos'):
        PICTURES.expand(np.zeros((2, 4, 4, 3), np.uint8))


FRAMES = frame_folders('img_{:05}.jpg')


def test_folders_of_frames_are_found_at_any_depth(tmp_path):
    touch(tmp_path / 'b', 'img_00001.jpg', 'img_00002.jpg')
    touch(tmp_path / 'a/x', 'img_00001.jpg')
    touch(tmp_path / 'c', 'flow_00001.jpg')
    assert FRAMES.expand(tmp_path) == [str(tmp_path / 'a/x'), str(tmp_path / 'b')]
    assert FRAMES.expand(tmp_path / 'b') == [str(tmp_path / 'b')]
    assert FRAMES.expand([tmp_path / 'b', 'missing']) == [str(tmp_path / 'b'), 'missing']


def test_what_is_no_folder_of_frames_is_refused(tmp_path):
    touch(tmp_path, 'a.mp4', '00001.jpg')
    with pytest.raises(UserError, match=r'no video in the folder .* named img_\{:05\}\.jpg'):
        FRAMES.expand(tmp_path)
    with pytest.raises(UserError, match=r'this is a file, but .* folders of frames'):
        FRAMES.expand(tmp_path / 'a.mp4')
    with pytest.raises(UserError, match=r"filename_tmpl='img\.jpg' has no one place"):
        frame_folders('img.jpg')
