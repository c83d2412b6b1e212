"""Reading chosen frames of a video file with PyAV, and saying what is wrong with a bad file."""

import bisect
import os
import struct
from collections.abc import Collection, Iterable, Iterator, Sequence

import av
import numpy as np
from av.container import InputContainer
from av.video.frame import PictureType, VideoFrame
from av.video.reformatter import VideoReformatter
from av.video.stream import VideoStream

from dynp_plugins.datasets.video_index import (
    frame_packets,
    open_container,
    read_index,
    video_stream,
    why,
)
from dynp_plugins.errors import UserError

_NO_KEY_FRAMES = (PictureType.P, PictureType.B)


class VideoReader:
    """The frames of one video file, by number.

    Frame ``i`` is what a viewer sees in the middle of the ``i``-th of ``len(reader)`` equal parts
    of the video. At a constant frame rate that is the ``i``-th stored frame; at a variable one,
    frames shown for long come several times and others not at all, so that numbers at equal
    distances are equally far apart in time.

    The packets are listed once, without decoding. Reading decodes only those between a wanted
    frame and the key frame before it. No file stays open between calls: readers can be pickled,
    and nothing needs closing.

    Args:
        path: Of the video file.
        threads: Decoding threads. One by default: data loaders decode in several processes.

    Attributes:
        path: As given.
        fps: Mean number of frames a second; None where the file does not tell.

    Raises:
        UserError: The file is missing, empty, damaged, cut short, or holds no video. The message
            names it.

    Example:
        >>> reader = VideoReader('clip.mp4')
        >>> first, last = reader.read([0, len(reader) - 1])  # two uint8 (H, W, 3), RGB
    """

    def __init__(self, path: str | os.PathLike, threads: int = 1):
        self.path = os.fspath(path)
        self.threads = threads
        self._index = read_index(self.path)
        if self._index.promised is not None:
            raise self._damaged(self._run(self._index.whole, ()))
        self.fps = self._index.header_rate
        self._stored = np.arange(len(self._index))  # the stored frame behind each number
        times = self._index.times
        if times is not None and len(times) > 1:
            mean_step = (times[-1] - times[0]) / (len(times) - 1)
            self.fps = 1 / (mean_step * self._index.time_base)
            # Their middles, so that time stamps rounded to milliseconds do not matter.
            middles = times[0] + (self._stored + 0.5) * mean_step
            self._stored = np.searchsorted(times, middles, side='right') - 1

    def __len__(self) -> int:
        return len(self._stored)

    def read(self, indices: Iterable[int]) -> list[np.ndarray]:
        """Decode some frames.

        Args:
            indices: Numbers from 0 to ``len(self) - 1``, in any order, also several times.

        Returns:
            For each number uint8 (H, W, 3), RGB, upright; none shares memory with another.

        Raises:
            UserError: A number is out of range, or the file is damaged where it is read.
        """
        indices = [int(index) for index in indices]
        for index in indices:
            if not 0 <= index < len(self):
                raise UserError(
                    f'there is no frame {index} in the video {self.path}; its {len(self)} frames '
                    'are numbered from 0'
                )
        wanted = [int(self._stored[index]) for index in indices]
        pictures = self._pictures(sorted(set(wanted))) if wanted else {}
        answer, given = [], set()
        for frame in wanted:
            picture = pictures[frame]
            answer.append(picture.copy() if id(picture) in given else picture)
            given.add(id(picture))
        return answer

    def check(self) -> None:
        """Decode every frame once.

        Raises:
            UserError: The file is damaged somewhere.
        """
        self._decodable()

    def _pictures(self, wanted: Sequence[int]) -> dict[int, np.ndarray]:
        """Stored frames by number."""
        run = self._run(self._index.ranges(wanted), wanted)
        if run.sound and len(run.pictures) == len(wanted):
            return run.pictures
        # Either the file is damaged, which this tells. Or what it marks as key frames are not:
        # with periodic intra refresh, pictures come clean only some frames later, so everything is
        # decoded. Or no frame comes of some packets; a viewer goes on seeing the one before.
        decodable = self._decodable()
        shown = {n: decodable[max(bisect.bisect_right(decodable, n) - 1, 0)] for n in wanted}
        run = self._run(self._index.whole, set(shown.values()))
        return {frame: run.pictures[shown[frame]] for frame in wanted}

    def _decodable(self) -> list[int]:
        """Numbers of the stored frames that come out when everything is decoded, ascending."""
        run = self._run(self._index.whole, ())
        if not run.sound or len(run.frames) * 2 <= len(self._index):
            raise self._damaged(run)
        return sorted(run.frames)

    def _run(self, ranges: Sequence[tuple[int, int]], wanted: Collection[int]) -> '_Run':
        """Decode ranges of packets, until all wanted frames are found if there are any."""
        times = self._index.times
        number_of = None if times is None else {int(time): n for n, time in enumerate(times)}
        run, to_rgb, wanted = _Run(), _UprightRgb(), frozenset(wanted)
        starts = [first for first, _ in ranges if first != self._index.keys[0]]
        unproved = set(np.flatnonzero(np.isin(self._index.packets, starts)).tolist())
        with open_container(self.path) as container:
            stream = video_stream(container, self.path)
            stream.codec_context.thread_count = self.threads
            for order, frame in enumerate(_decode(container, stream, ranges, run)):
                number = order if number_of is None else number_of.get(frame.pts)
                if frame.is_corrupt:
                    run.complain('a picture with missing parts')
                    continue
                if number is None:  # decoded for the sake of others, not to be shown
                    continue
                if frame.pict_type not in _NO_KEY_FRAMES:
                    unproved.discard(number)
                run.frames.append(number)
                if number in wanted:
                    run.pictures[number] = to_rgb(frame)
                    if len(run.pictures) == len(wanted):
                        break
        if unproved:
            run.complain('what is marked as a key frame is none')
        return run

    def _damaged(self, run: '_Run') -> UserError:
        promised = self._index.promised or len(self._index)
        reason = f' ({run.problem})' if run.problem else ''
        return UserError(
            f'the video {self.path} is damaged or cut short: its container says {promised} '
            f'frames, {len(run.frames)} could be decoded{reason}'
        )


def video_problem(path: str | os.PathLike) -> str | None:
    """What is wrong with a video file, to be read after its name; None if all of it decodes."""
    try:
        VideoReader(path).check()
    except UserError as error:
        return str(error).removeprefix(f'the video {os.fspath(path)} ')
    return None


class _Run:
    """What came of decoding.

    Attributes:
        frames: Numbers of the stored frames that came out whole.
        pictures: The wanted ones among them.
        sound: Whether the decoder had nothing to complain about.
        problem: Its first complaint.
    """

    def __init__(self):
        self.frames: list[int] = []
        self.pictures: dict[int, np.ndarray] = {}
        self.sound = True
        self.problem = ''

    def complain(self, problem: str) -> None:
        self.problem = self.problem or problem
        self.sound = False


class _UprightRgb:
    """Turns decoded frames into arrays of one size, that of the first."""

    def __init__(self):
        # One for all frames: making a new one for each takes longer than decoding it.
        self._reformatter = VideoReformatter()
        self._size: tuple[int, int] | None = None

    def __call__(self, frame: VideoFrame) -> np.ndarray:
        self._size = self._size or (frame.width, frame.height)
        width, height = self._size
        rgb = self._reformatter.reformat(frame, width, height, format='rgb24', threads=1)
        upright = _upright(rgb.to_ndarray(), frame.side_data.get('DISPLAYMATRIX'))
        return np.array(upright, order='C')  # its own memory


def _upright(picture: np.ndarray, matrix: object) -> np.ndarray:
    """Turn and mirror a picture as its display matrix says, to the nearest quarter turn.

    Args:
        picture: (H, W, 3).
        matrix: FFmpeg's: nine 32-bit integers, of which (a, b) is where one step to the right
            leads (right, down), and (c, d) one step down; or None.
    """
    if matrix is None:
        return picture
    a, b, _, c, d = struct.unpack('=5i', bytes(matrix)[:20])
    if abs(a) + abs(d) >= abs(b) + abs(c):
        right, down = a, d
    else:
        picture = picture.transpose(1, 0, 2)
        right, down = c, b
    return picture[:: -1 if down < 0 else 1, :: -1 if right < 0 else 1]


def _decode(
    container: InputContainer,
    stream: VideoStream,
    ranges: Sequence[tuple[int, int]],
    run: _Run,
) -> Iterator[VideoFrame]:
    """Frames of ranges of packets; what the decoder complains of goes to ``run``."""
    context = stream.codec_context
    remaining = iter(ranges)
    first, last = next(remaining)
    try:
        for number, packet in enumerate(frame_packets(container, stream)):
            if number < first:
                continue
            yield from _send(context, packet, run)
            if number == last:
                yield from _send(context, None, run)  # what the decoder still holds back
                first, last = next(remaining, (None, None))
                if first is None:
                    return
                context.flush_buffers()  # or it would not take anything after the end
    except av.error.FFmpegError as error:
        run.complain(why(error))


def _send(context: av.VideoCodecContext, packet: av.Packet | None, run: _Run) -> list[VideoFrame]:
    try:
        return context.decode(packet)
    except av.error.FFmpegError as error:
        run.complain(why(error))
        return []
