"""The clips as files: what they hold, that they never change, that a damaged cache is mended."""

import io
import logging
from collections import Counter

import av
import numpy as np
import pytest

from dynp_plugins.datasets import motion_clips, video_writing
from dynp_plugins.datasets.digit_motion import CLIP_LENGTH, FRAME_SIZE, MOTIONS
from dynp_plugins.datasets.digit_scans import SPLITS, load_digit_scans, make_glyphs, split_scans
from dynp_plugins.datasets.motion_clips import (
    DEFAULT_SIZES,
    FPS,
    draw_clip,
    load_motion_clips,
    make_motion_clips,
)
from dynp_plugins.datasets.video_writing import encode_mp4
from dynp_plugins.errors import UserError

SIZES = {'train': 16, 'calibration': 8, 'test': 24}


@pytest.fixture(scope='module')
def cache_dir(tmp_path_factory):
    return tmp_path_factory.mktemp('cache')


@pytest.fixture(scope='module')
def clips(cache_dir):
    return {split: load_motion_clips(split, cache_dir, sizes=SIZES) for split in SPLITS}


@pytest.fixture(scope='module')
def glyphs():
    scans = load_digit_scans()
    return {
        split: make_glyphs(scans.ink[members])
        for split, members in split_scans(scans.labels).items()
    }


def decode(video):
    with av.open(video) as container:
        return np.stack([frame.to_ndarray(format='rgb24') for frame in container.decode(video=0)])


@pytest.mark.parametrize('split', SPLITS)
def test_every_class_has_as_many_clips(clips, split):
    uses = Counter(clips[split].labels)
    assert set(uses) == set(range(len(MOTIONS)))
    assert set(uses.values()) == {SIZES[split] // len(MOTIONS)}
    assert DEFAULT_SIZES[split] % len(MOTIONS) == 0


def test_the_list_holds_a_path_and_a_label_a_line(clips):
    data = clips['test']
    lines = (data.folder / 'clips.txt').read_text().splitlines()
    assert lines == [f'{n} {k}' for n, k in zip(data.names, data.labels, strict=True)]
    assert lines[9] == '00009.mp4 1'
    assert all((data.folder / name).is_file() for name in data.names)


@pytest.mark.parametrize('split', SPLITS)
def test_clips_show_what_was_drawn_from_the_scans_of_their_split(clips, glyphs, split):
    data = clips[split]
    for index in (0, 3, 6, 7):
        decoded = decode(str(data.folder / data.names[index])).astype(float)
        drawn = draw_clip(split, index, glyphs[split], data.labels[index])
        assert decoded.shape == drawn.shape == (CLIP_LENGTH, FRAME_SIZE, FRAME_SIZE, 3)
        brightness = (decoded - drawn) @ [0.299, 0.587, 0.114]
        assert np.abs(brightness).mean() < 3  # of 255
        # Half the resolution is lost of colours, and with it some of the coloured grain.
        assert np.abs(decoded - drawn).mean() < 16


def test_no_scan_of_one_split_is_drawn_in_another(monkeypatch):
    scans = load_digit_scans()
    given = {}

    def remember(split, index, glyphs, label):
        given.setdefault(split, glyphs)
        return np.zeros((CLIP_LENGTH, FRAME_SIZE, FRAME_SIZE, 3), np.uint8)

    monkeypatch.setattr(motion_clips, 'make_glyphs', lambda ink: ink)
    monkeypatch.setattr(motion_clips, 'draw_clip', remember)
    for split in SPLITS:
        list(make_motion_clips(split, 1))
    members = split_scans(scans.labels)
    assert len(np.unique(np.concatenate([*members.values()]))) == len(scans.labels)
    for split in SPLITS:
        np.testing.assert_array_equal(given[split], scans.ink[members[split]])


def test_many_scans_are_drawn(monkeypatch, glyphs):
    chosen = []
    monkeypatch.setattr(motion_clips, 'render_clip', lambda *args: chosen.append(args[2]))
    for index in range(1600):
        draw_clip('train', index, glyphs['train'], 0)
    assert 0 <= min(chosen) < max(chosen) < len(glyphs['train'])
    assert len(set(chosen)) > 0.7 * len(glyphs['train'])


def test_files_are_h264_of_nothing_but_key_frames(clips):
    data = clips['train']
    with av.open(str(data.folder / data.names[5])) as container:
        (stream,) = container.streams
        assert stream.codec_context.name == 'h264'
        assert stream.codec_context.pix_fmt == 'yuv420p'
        assert (stream.frames, stream.average_rate) == (CLIP_LENGTH, FPS)
        assert all(packet.is_keyframe for packet in container.demux(stream) if packet.size)


@pytest.mark.parametrize('label', range(0, len(MOTIONS), 2))
def test_decoded_partners_are_the_same_frames_backwards_to_the_last_bit(glyphs, label):
    # Were it not for the last bit, single frames might tell what a lossy encoder saw before them.
    for index in range(4):
        there, back = (
            decode(io.BytesIO(encode_mp4(draw_clip('test', index, glyphs['test'], k), FPS)))
            for k in (label, label + 1)
        )
        np.testing.assert_array_equal(there, back[::-1])


def test_two_builds_give_identical_files(clips, tmp_path):
    again = load_motion_clips('test', tmp_path, sizes=SIZES)
    assert sorted(path.name for path in again.folder.iterdir()) == sorted(
        [*again.names, 'clips.txt', 'manifest.json']
    )
    for path in again.folder.iterdir():
        assert path.read_bytes() == (clips['test'].folder / path.name).read_bytes()


def test_a_clip_does_not_depend_on_how_many_are_made(clips):
    folder = clips['train'].folder
    few = list(make_motion_clips('train', 3))
    assert [name for name, _ in few] == ['00000.mp4', '00001.mp4', '00002.mp4', 'clips.txt']
    for name, content in few[:3]:
        assert content == (folder / name).read_bytes()


def _damaged(path):
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)


@pytest.mark.parametrize(
    'damage',
    [lambda folder: (folder / '00002.mp4').unlink(), lambda folder: _damaged(folder / '00005.mp4')],
    ids=['deleted', 'changed'],
)
def test_a_damaged_cache_gives_the_same_clips_again(clips, tmp_path, caplog, damage):
    folder = load_motion_clips('calibration', tmp_path, sizes=SIZES).folder
    damage(folder)
    with caplog.at_level(logging.WARNING, logger='dynp_plugins'):
        assert load_motion_clips('calibration', tmp_path, sizes=SIZES).folder == folder
    assert len(caplog.records) == 1
    for name in clips['calibration'].names:
        expected = (clips['calibration'].folder / name).read_bytes()
        assert (folder / name).read_bytes() == expected


def test_interrupted_while_encoding_leaves_nothing_half(tmp_path, monkeypatch):
    calls = []

    def interrupted(*args):
        calls.append(args)
        if len(calls) == 3:
            raise KeyboardInterrupt
        return encode_mp4(*args)

    monkeypatch.setattr(video_writing, 'encode_mp4', interrupted)
    with pytest.raises(KeyboardInterrupt):
        load_motion_clips('calibration', tmp_path, sizes=SIZES)
    assert list((tmp_path / 'motion_clips').iterdir()) == []
    monkeypatch.undo()
    assert len(load_motion_clips('calibration', tmp_path, sizes=SIZES).names) == 8


def test_a_newer_generator_replaces_the_clips(tmp_path, monkeypatch):
    folder = load_motion_clips('calibration', tmp_path, sizes=SIZES).folder
    monkeypatch.setattr(motion_clips, 'GENERATOR_VERSION', 1000)
    monkeypatch.setattr(video_writing, 'encode_mp4', lambda *args: b'new')
    load_motion_clips('calibration', tmp_path, sizes=SIZES)
    assert {path.read_bytes() for path in folder.glob('*.mp4')} == {b'new'}


def test_the_cache_variable_is_respected(tmp_path, monkeypatch):
    monkeypatch.setenv('DYNP_CACHE', str(tmp_path / 'mine'))
    folder = load_motion_clips('calibration', sizes=SIZES).folder
    assert folder == tmp_path / 'mine' / 'motion_clips' / 'calibration_8'


def test_bad_arguments_are_named(tmp_path):
    with pytest.raises(UserError, match=r"'val'.*train, calibration, test"):
        load_motion_clips('val', tmp_path)
    with pytest.raises(UserError, match="0 clips asked for split 'test'"):
        load_motion_clips('test', tmp_path, sizes={'test': 0})
    assert not list(tmp_path.iterdir())


@pytest.mark.slow
def test_the_default_data_set_is_complete(tmp_path):
    for split, count in DEFAULT_SIZES.items():
        data = load_motion_clips(split, tmp_path)
        assert len(set(data.names)) == count
        assert set(Counter(data.labels).values()) == {count // len(MOTIONS)}
