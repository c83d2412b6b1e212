"""Frames of real video files, by number: which, in what form, and what is said of bad files."""

import contextlib
import io
import pickle

import av
import numpy as np
import pytest
from PIL import Image

from dynp_plugins.datasets import video_reading
from dynp_plugins.datasets.video_reading import VideoReader, video_problem
from dynp_plugins.errors import UserError

from .made_videos import (
    FRAMES,
    hide_frames,
    make_sound,
    make_video,
    number_of,
    picture,
    trim_mp4,
    turn_mp4,
)

# Open groups of pictures: frames that follow a key frame in the file and precede it on the screen.
OPEN_GOP = {'x264-params': 'open-gop=1:keyint=6:min-keyint=6:bframes=3:scenecut=0'}
KINDS = {
    'h264.mp4': dict(codec='libx264'),
    'many_keys.mp4': dict(codec='libx264', options={'g': '5'}),
    'open_gop.mp4': dict(codec='libx264', options=OPEN_GOP),
    'open_gop.mkv': dict(codec='libx264', options=OPEN_GOP),
    'refresh.ts': dict(codec='libx264', options={'x264-params': 'intra-refresh=1:keyint=8'}),
    'fragments.mp4': dict(
        codec='libx264',
        options={'g': '8'},
        container_options={'movflags': 'frag_keyframe+empty_moov'},
    ),
    'vp9.webm': dict(codec='libvpx-vp9'),
    'mpeg4.avi': dict(codec='mpeg4', options={'bf': '2'}),
    'h264.avi': dict(codec='libx264', options=OPEN_GOP),
    'mpeg2.mpg': dict(codec='mpeg2video', rate=25, options={'bf': '2'}),
    'raw.h264': dict(codec='libx264', rate=25),
    'odd.mp4': dict(codec='libx264', size=(63, 47), pixel_format='yuv444p'),
    'odd.mkv': dict(codec='mpeg4', size=(33, 21)),
    'deep.mkv': dict(codec='libx264', pixel_format='yuv420p10le'),
}


@pytest.fixture(scope='module')
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp('videos')


@pytest.fixture(scope='module')
def videos(folder):
    return {name: make_video(folder / name, **kind) for name, kind in KINDS.items()}


@pytest.mark.parametrize('name', KINDS)
def test_every_frame_is_the_one_that_decoding_from_the_start_gives(videos, name):
    reader = VideoReader(videos[name])
    with av.open(str(videos[name])) as container:
        expected = [frame.to_ndarray(format='rgb24') for frame in container.decode(video=0)]
    assert len(reader) == len(expected) == FRAMES
    for number in (23, 0, 6, 11, 12, 17, 5):
        (alone,) = reader.read([number])
        assert alone.dtype == np.uint8
        np.testing.assert_array_equal(alone, expected[number])
    for frame, wanted in zip(reader.read(range(FRAMES)), expected, strict=True):
        np.testing.assert_array_equal(frame, wanted)
    assert [number_of(frame) for frame in expected] == list(range(FRAMES))
    assert reader.fps == pytest.approx(KINDS[name].get('rate', 10), rel=1e-3)


def test_colours_and_form(videos):
    for name in ('h264.mp4', 'odd.mp4', 'odd.mkv'):
        width, height = KINDS[name].get('size', (64, 64))
        (frame,) = VideoReader(videos[name]).read([3])
        assert frame.shape == (height, width, 3)
        assert frame.flags.c_contiguous
        assert frame.flags.writeable
        # Within what the codecs lose; red next to grey bleeds in halved colour planes.
        assert np.abs(frame.astype(int) - picture(3, width, height)).mean() < 12
        assert frame[height // 2, 1, 0] > frame[height // 2, 1, 2] + 100  # RGB, not BGR


def test_frames_come_in_the_order_asked_for_and_share_no_memory(videos):
    frames = VideoReader(videos['h264.mp4']).read([9, 2, 9, 23, 2])
    assert [number_of(frame) for frame in frames] == [9, 2, 9, 23, 2]
    for i, one in enumerate(frames):
        assert not any(np.shares_memory(one, other) for other in frames[:i])
    assert VideoReader(videos['h264.mp4']).read([]) == []


@pytest.fixture
def sent(monkeypatch):
    """Everything that is given to decoders."""
    packets = []
    original = video_reading._send

    def noted(context, packet, run):
        packets.append(packet)
        return original(context, packet, run)

    monkeypatch.setattr(video_reading, '_send', noted)
    return packets


def test_only_what_is_needed_is_decoded(videos, sent):
    reader = VideoReader(videos['many_keys.mp4'])
    assert not sent
    assert [number_of(frame) for frame in reader.read([1, 21])] == [1, 21]
    # Two groups of five pictures at most, and the end of each.
    assert 4 <= len(sent) <= 12


def test_frames_before_an_open_key_frame_need_one_group_more(videos, sent):
    reader = VideoReader(videos['open_gop.mkv'])
    for number in range(FRAMES):
        sent.clear()
        assert number_of(reader.read([number])[0]) == number
        assert len(sent) <= 2 * 6 + 1


def test_threads_change_nothing(videos):
    one, four = (VideoReader(videos['vp9.webm'], threads).read([0, 13]) for threads in (1, 4))
    np.testing.assert_array_equal(one, four)


def test_readers_can_be_pickled(videos):
    reader = pickle.loads(pickle.dumps(VideoReader(videos['open_gop.mp4'])))
    assert number_of(reader.read([7])[0]) == 7


@pytest.mark.parametrize('number', [-1, FRAMES])
def test_a_number_out_of_range(videos, number):
    with pytest.raises(UserError, match=rf'no frame {number} in .*h264\.mp4; its 24 frames'):
        VideoReader(videos['h264.mp4']).read([0, number])


@pytest.mark.parametrize('name', ['variable.mp4', 'variable.mkv'])
def test_variable_rates_are_sampled_uniformly_in_time(folder, name):
    # Ten frames at 10 a second, one that stays for a second, ten more.
    times = [100 * n for n in range(10)] + [1000] + [1900 + 100 * n for n in range(1, 11)]
    reader = VideoReader(make_video(folder / name, frames=21, times=times))
    assert len(reader) == 21
    mean_step = (times[-1] - times[0]) / 20
    assert reader.fps == pytest.approx(1000 / mean_step, rel=1e-3)
    shown = [number_of(frame) for frame in reader.read(range(21))]
    expected = [np.searchsorted(times, (n + 0.5) * mean_step, 'right') - 1 for n in range(21)]
    assert shown == expected
    assert shown.count(10) > 5
    assert shown[0] == 0
    assert shown[-1] == 20


def test_rounded_time_stamps_are_no_variable_rate(folder):
    times = [round(1000 * n / 29.97) for n in range(FRAMES)]
    reader = VideoReader(make_video(folder / 'ntsc.mkv', times=times, rate=30))
    assert [number_of(frame) for frame in reader.read(range(FRAMES))] == list(range(FRAMES))


@pytest.mark.parametrize(
    ('matrix', 'upright'),
    [
        ((1, 0, 0, 1), lambda p: p),
        ((0, 1, -1, 0), lambda p: np.rot90(p, -1)),  # a phone held upright
        ((-1, 0, 0, -1), lambda p: np.rot90(p, 2)),
        ((0, -1, 1, 0), lambda p: np.rot90(p, 1)),
        ((-1, 0, 0, 1), lambda p: p[:, ::-1]),
        ((1, 0, 0, -1), lambda p: p[::-1]),
        ((0, 1, 1, 0), lambda p: p.transpose(1, 0, 2)),
    ],
    ids=['upright', 'right', 'over', 'left', 'mirrored', 'flipped', 'transposed'],
)
def test_turned_videos_are_upright(folder, matrix, upright):
    plain = make_video(folder / 'plain.mp4', size=(64, 48), frames=6)
    turned = turn_mp4(plain, folder / 'turned.mp4', matrix)
    (stored,), (frame,) = (VideoReader(path).read([4]) for path in (plain, turned))
    np.testing.assert_array_equal(frame, upright(stored))
    assert frame.flags.c_contiguous


@pytest.mark.parametrize(('start', 'frames'), [(0, 12), (5, 8), (7, 17)])
@pytest.mark.parametrize('name', ['h264.mp4', 'many_keys.mp4'])
def test_what_an_edit_list_cuts_off_is_not_missed(videos, folder, name, start, frames):
    path = trim_mp4(videos[name], folder / f'trimmed_{name}', start, frames)
    with av.open(str(path)) as container:
        expected = [number_of(f.to_ndarray(format='rgb24')) for f in container.decode(video=0)]
    assert abs(len(expected) - frames) <= 1
    reader = VideoReader(path)
    assert [number_of(frame) for frame in reader.read(range(len(reader)))] == expected


def test_a_packet_that_is_not_shown_repeats_the_frame_before(folder):
    plain = make_video(folder / 'vp8.webm', codec='libvpx', options={'g': '100'})
    reader = VideoReader(hide_frames(plain, folder / 'hidden.webm', {4, 9}))
    shown = [number_of(frame) for frame in reader.read([3, 4, 5, 8, 9, 10])]
    assert shown == [3, 3, 5, 8, 8, 10]


def no_frames(path):
    """An mp4 file with a video stream that never got a frame."""
    with av.open(str(path), 'w', options={'movflags': 'empty_moov'}) as container:
        stream = container.add_stream('mpeg4', rate=10)
        stream.width = stream.height = 64
        stream.pix_fmt = 'yuv420p'
        container.start_encoding()
    return path


def with_cover(sound, path):
    """An mp3 file with a picture in its ID3 tag."""
    jpeg = io.BytesIO()
    Image.fromarray(picture(0)).save(jpeg, 'jpeg')
    body = b'\0image/jpeg\0\3\0' + jpeg.getvalue()
    frame = b'APIC' + len(body).to_bytes(4, 'big') + b'\0\0' + body
    size = bytes(len(frame) >> shift & 0x7F for shift in (21, 14, 7, 0))  # 7 bits a byte
    return write(path, b'ID3\3\0\0' + size + frame + sound.read_bytes())


def write(path, content):
    path.write_bytes(content)
    return path


def cut(source, target, share=0.6):
    content = source.read_bytes()
    return write(target, content[: int(len(content) * share)])


@pytest.fixture(scope='module')
def index_first(folder):
    """An mp4 file that is laid out for streaming, so that its head says what its end holds."""
    return make_video(folder / 'index_first.mp4', container_options={'movflags': 'faststart'})


def with_hole(source, target):
    content = bytearray(source.read_bytes())
    middle = (content.index(b'mdat') + len(content)) // 2
    content[middle : middle + 3000] = bytes(3000)
    return write(target, bytes(content))


DAMAGED = r'damaged or cut short: its container says 24 frames, \d+ could be decoded'
BAD = {
    'missing': (lambda f, v, i: f / 'none.mp4', 'does not exist'),
    'a folder': (lambda f, v, i: f, 'is not a file'),
    'empty': (lambda f, v, i: write(f / 'zero.mp4', b''), 'is empty, zero bytes'),
    'text': (lambda f, v, i: write(f / 'text.mp4', b'a note\n' * 99), 'cannot be opened'),
    'sound': (lambda f, v, i: make_sound(f / 'sound.mp4'), r'no video stream \(it holds audio\)'),
    'cover': (
        lambda f, v, i: with_cover(make_sound(f / 'plain.mp3', 'mp3'), f / 'cover.mp3'),
        'no video stream',
    ),
    'no frames': (lambda f, v, i: no_frames(f / 'no_frames.mp4'), 'has no frames'),
    'no index': (lambda f, v, i: cut(v['h264.mp4'], f / 'cut.mp4'), 'header is damaged or missing'),
    'cut mp4': (lambda f, v, i: cut(i, f / 'cut_index_first.mp4'), DAMAGED),
    'cut webm': (lambda f, v, i: cut(v['vp9.webm'], f / 'cut.webm'), DAMAGED),
    'cut avi': (lambda f, v, i: cut(v['mpeg4.avi'], f / 'cut.avi'), DAMAGED),
    'hole': (lambda f, v, i: with_hole(i, f / 'hole.mp4'), DAMAGED),
}


@pytest.mark.parametrize('kind', BAD)
def test_bad_files_are_named_with_what_is_wrong(folder, videos, index_first, kind):
    make, message = BAD[kind]
    path = make(folder, videos, index_first)
    with pytest.raises(UserError, match=message) as caught:
        VideoReader(path).read(range(FRAMES))
    assert str(path) in str(caught.value)
    problem = video_problem(path)
    assert problem in str(caught.value)
    assert str(path) not in problem


def test_the_message_counts_what_could_be_decoded(folder, index_first):
    path = cut(index_first, folder / 'counted.mp4')
    whole = 0
    with av.open(str(path)) as container:
        for packet in container.demux(video=0):
            with contextlib.suppress(av.error.InvalidDataError):
                whole += len(packet.decode())
    assert 0 < whole < FRAMES
    with pytest.raises(UserError, match=f'says 24 frames, {whole} could be decoded'):
        VideoReader(path)


def test_good_files_have_no_problem(videos):
    assert {name: video_problem(path) for name, path in videos.items()} == dict.fromkeys(KINDS)


def test_a_colon_in_a_name_is_no_address(folder, videos, monkeypatch):
    write(folder / 'http:b.mp4', videos['h264.mp4'].read_bytes())
    monkeypatch.chdir(folder)
    assert len(VideoReader('http:b.mp4')) == FRAMES
