"""What the packets of a video file say: its frames, their times, and whether any are missing.

Nothing is decoded here. Packets are counted in the order of the file, which is exact in every
container; seeking by time is not.
"""

import os
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import av
import numpy as np
from av.container import InputContainer
from av.stream import Disposition
from av.video.stream import VideoStream

from dynp_plugins.errors import UserError

# An AVI header may count a frame or two that were never written.
_UNWRITTEN_FRAMES = 2
# A Matroska header says how long a video is, not how many frames it has, and how long the last
# one is shown is anybody's guess. What ends before this share of it has lost its end.
_WHOLE = 0.9


@dataclass(frozen=True, eq=False)
class VideoIndex:
    """The frames of a video in the order in which they are shown; N of them.

    Attributes:
        packets: int64 (N,), the number of each frame's packet in the file.
        times: int64 (N,), when each is shown, strictly ascending; None where the file does not
            tell, and frames are known by their order only.
        keys: int64 (K,), numbers of the packets of key frames, ascending; at least one.
        key_times: int64 (K,), when they are shown; None as above.
        num_packets: In the file.
        time_base: Seconds in a unit of the times.
        header_rate: Frames a second by the header, or None.
        promised: Number of frames by the header where clearly fewer are there, else None.
    """

    packets: np.ndarray
    times: np.ndarray | None
    keys: np.ndarray
    key_times: np.ndarray | None
    num_packets: int
    time_base: float
    header_rate: float | None
    promised: int | None

    def __len__(self) -> int:
        return len(self.packets)

    @property
    def whole(self) -> list[tuple[int, int]]:
        """All packets that can be decoded, as one range."""
        return [(int(self.keys[0]), self.num_packets - 1)]

    def ranges(self, frames: list[int]) -> list[tuple[int, int]]:
        """The packets needed for some frames: disjoint ranges (first, last) in file order.

        Every range starts with a key frame.
        """
        if self.times is None:
            return self.whole
        needed = sorted((self._key_before(frame), int(self.packets[frame])) for frame in frames)
        ranges: list[tuple[int, int]] = []
        for first, last in needed:
            if ranges and first <= ranges[-1][1] + 1:
                ranges[-1] = (ranges[-1][0], max(last, ranges[-1][1]))
            else:
                ranges.append((first, last))
        return ranges

    def _key_before(self, frame: int) -> int:
        # A frame may follow a key frame in the file, be shown before it, and need the key frame
        # before that one (open groups of pictures).
        before = (self.keys <= self.packets[frame]) & (self.key_times <= self.times[frame])
        return int(self.keys[before][-1] if before.any() else self.keys[0])


def open_container(path: str) -> InputContainer:
    """Open a video file; use it as a context manager.

    Raises:
        UserError: It is missing, empty, or in no format that can be read.
    """
    file = Path(path)
    if not file.exists():
        raise UserError(f'the video {path} does not exist')
    if not file.is_file():
        raise UserError(f'the video {path} is not a file')
    if not file.stat().st_size:
        raise UserError(f'the video {path} is empty, zero bytes')
    try:
        # 'file:', or a name with a colon would be taken for an address.
        return av.open(f'file:{path}')
    except (av.error.FFmpegError, OSError) as error:
        raise UserError(
            f'the video {path} cannot be opened: it is no video, or its header is damaged or '
            f'missing ({why(error)})'
        ) from error


def video_stream(container: InputContainer, path: str) -> VideoStream:
    """The main video stream of an open file.

    Raises:
        UserError: There is none; cover pictures of sound files do not count.
    """
    stream = container.streams.best('video')
    if stream is None or stream.disposition & Disposition.attached_pic:
        kinds = ', '.join(sorted({each.type for each in container.streams})) or 'nothing'
        raise UserError(f'the video {path} has no video stream (it holds {kinds})')
    return stream


def frame_packets(container: InputContainer, stream: VideoStream) -> Iterator[av.Packet]:
    """The packets of frames in the order of the file.

    Raises:
        av.error.FFmpegError: The file cannot be read further.
    """
    for packet in container.demux(stream):
        if packet.size:  # the others are marks
            yield packet


def read_index(path: str | os.PathLike) -> VideoIndex:
    """List the packets of a video file.

    Raises:
        UserError: The file cannot be opened, or holds no video or no frame.
    """
    path = os.fspath(path)
    with open_container(path) as container:
        stream = video_stream(container, path)
        packets, broken_end = [], False
        try:
            for packet in frame_packets(container, stream):
                packets.append((packet.pts, packet.is_keyframe, packet.is_discard))
                broken_end = packet.is_corrupt  # of the last packet: the file ends within it
        except av.error.FFmpegError:
            broken_end = True
        if not packets:
            raise UserError(f'the video {path} has no frames')
        times, keys, shown = _arrays(packets)
        if times is not None and _are_counted(times, stream, container):
            times = None
        numbers = np.flatnonzero(shown)
        if not len(numbers):
            raise UserError(f'the video {path} has no frames that are shown')
        if times is not None:
            numbers = numbers[np.argsort(times[numbers])]
        rate = stream.average_rate or stream.guessed_rate
        index = VideoIndex(
            packets=numbers,
            times=None if times is None else times[numbers],
            keys=keys,
            key_times=None if times is None else times[keys],
            num_packets=len(packets),
            time_base=float(stream.time_base),
            header_rate=float(rate) if rate else None,
            promised=None,
        )
        promised = _promised_frames(container, stream, index)
        if promised is None and broken_end:
            promised = len(index)
        return replace(index, promised=promised)


def why(error: Exception) -> str:
    """What PyAV or the system says, in a few words."""
    return getattr(error, 'strerror', None) or str(error) or type(error).__name__


def _arrays(packets: list[tuple]) -> tuple[np.ndarray | None, np.ndarray, np.ndarray]:
    """Times (None if not every shown frame has its own), numbers of key frames, what is shown."""
    keys = np.flatnonzero([key for _, key, _ in packets])
    if not len(keys):  # not marked in this file
        keys = np.zeros(1, np.int64)
    shown = ~np.array([discard for _, _, discard in packets])
    shown[: keys[0]] = False  # nothing before the first key frame can be decoded
    if any(time is None for time, _, _ in packets):
        return None, keys, shown
    times = np.array([time for time, _, _ in packets], np.int64)
    unique = len(np.unique(times[shown])) == shown.sum()
    return (times if unique else None), keys, shown


def _are_counted(times: np.ndarray, stream: VideoStream, container: InputContainer) -> bool:
    """Whether the packets' times are but their numbers, though frames are shown otherwise.

    AVI files store no times. Where FFmpeg cannot work them out, as for H.264, it counts packets.
    """
    reordered = stream.codec_context.has_b_frames
    return container.format.name == 'avi' and bool(reordered) and bool((np.diff(times) > 0).all())


def _promised_frames(
    container: InputContainer, stream: VideoStream, index: VideoIndex
) -> int | None:
    """How many frames the header says there are, if the file has clearly fewer."""
    if stream.frames:
        said, missing = stream.frames, stream.frames - index.num_packets
        if 'mp4' in container.format.name:
            # What an edit list cuts off is neither listed nor lost.
            missing = min(said, len(stream.index_entries)) - index.num_packets
            return said if missing > 0 else None
        return said if missing > _UNWRITTEN_FRAMES else None
    seconds = _promised_seconds(container, stream)
    if seconds is None or index.times is None or not index.header_rate:
        return None
    said = round(seconds * index.header_rate)
    end = float(index.times[-1]) * index.time_base + 1 / index.header_rate
    return said if end < _WHOLE * seconds and said - len(index) > _UNWRITTEN_FRAMES else None


def _promised_seconds(container: InputContainer, stream: VideoStream) -> float | None:
    tag = stream.metadata.get('DURATION')  # of Matroska: 00:00:02.400000000
    if tag:
        try:
            hours, minutes, seconds = map(float, tag.split(':'))
            return 3600 * hours + 60 * minutes + seconds
        except ValueError:
            pass
    if stream.duration:
        return float(stream.duration * stream.time_base)
    # That of the whole file is the video's only where there is nothing else in it.
    if container.duration and len(container.streams) == 1:
        return container.duration / av.time_base
    return None
