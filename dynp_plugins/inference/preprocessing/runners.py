"""Running a record of preprocessing with NumPy, Pillow and, where it says so, OpenCV and PyAV."""

import importlib
import os
from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor

from ...datasets.frame_shuffling import orders_of, shuffle_groups
from ...errors import UserError
from ..image_inputs import PICTURES
from ..sample_kinds import Sample, SampleKind
from ..video_inputs import VIDEOS, count_frames, frame_folders
from .frame_sampling import sample_frames
from .geometry import opencv
from .normalising import normaliser
from .picture_reading import decode_bgr, read_picture
from .records import PictureReading, Preprocessing, VideoReading


class PlainPreprocessing:
    """Makes samples ready as a record says; nothing of OpenMMLab is needed.

    Args:
        record: What is done.
        device: Of the network.

    Attributes:
        kind: What it reads: pictures, or videos.
        to_network: Turns a batch of what calls give into what the network takes, on its device.

    Raises:
        UserError: An operation is not known or has settings that cannot be, or OpenCV or PyAV is
            needed and not installed.
    """

    def __init__(self, record: Preprocessing, device: torch.device):
        self._operations = [entry.load() for entry in record.operations]
        self._reading = record.picture or record.video
        if isinstance(self._reading, VideoReading) and not self._reading.folders:
            _check_pyav()
        elif isinstance(self._reading, VideoReading) or self._reading.decoder == 'cv2':
            opencv()
        self.kind = _kind_of(record)
        self.to_network = normaliser(record.normalisation, device)

    def __call__(self, sample: Sample) -> Tensor:
        """The sample, (channels, height, width) or, of a video, (frames, channels, height, width).

        Raises:
            UserError: It cannot be read or made ready.
            Exception: Whatever a decoder raises on a damaged file.
        """
        if isinstance(self._reading, PictureReading):
            return _channels_first(self._transformed(read_picture(sample, self._reading)))
        frames = _read_frames(sample, self._reading)
        return torch.stack([_channels_first(self._transformed(frame)) for frame in frames])

    def _transformed(self, pixels: np.ndarray) -> np.ndarray:
        for operation in self._operations:
            pixels = operation(pixels)
        return pixels


def _kind_of(record: Preprocessing) -> SampleKind:
    """What is read."""
    if record.video is None:
        return PICTURES
    return frame_folders(record.video.filename_tmpl) if record.video.folders else VIDEOS


def _channels_first(pixels: np.ndarray) -> Tensor:
    whole = pixels[..., None] if pixels.ndim == 2 else pixels
    return torch.from_numpy(np.ascontiguousarray(whole.transpose(2, 0, 1)))


def _check_pyav() -> None:
    try:
        importlib.import_module('av')
    except ImportError as error:
        raise UserError(
            f'videos are decoded by PyAV, which cannot be imported ({error}): pip install av'
        ) from error


def _read_frames(video: Sample, record: VideoReading) -> Sequence[np.ndarray]:
    """The chosen frames, each uint8 (H, W, 3) in RGB order."""
    if isinstance(video, np.ndarray):
        numbers = _chosen(record, len(video), None, '')
        return [video[number][..., ::-1] for number in numbers]
    if record.folders:
        count = count_frames(video, record.filename_tmpl, record.start_index)
        return _frames_of_folder(video, _chosen(record, count, None, video), record)
    return _frames_of_file(video, record)


def _frames_of_folder(
    folder: str, numbers: np.ndarray, record: VideoReading
) -> Sequence[np.ndarray]:
    frames = []
    for number in numbers:
        name = record.filename_tmpl.format(number + record.start_index)
        try:
            frames.append(decode_bgr(os.path.join(folder, name))[..., ::-1])
        except Exception as error:  # decoders raise whatever they like
            raise UserError(f'the frame {name} cannot be read: {error}') from error
    return frames


def _frames_of_file(path: str, record: VideoReading) -> Sequence[np.ndarray]:
    from ...datasets.video_reading import VideoReader, video_problem

    try:
        reader = VideoReader(path)
        return reader.read(_chosen(record, len(reader), reader.fps, path))
    except Exception:
        problem = video_problem(path)  # without the name, which answers have beside them
        if problem is None:
            raise
        raise UserError(problem) from None


def _chosen(record: VideoReading, total: int, fps: float | None, path: str) -> np.ndarray:
    numbers = sample_frames(record, total, fps)
    if record.shuffle_seed is None:
        return numbers
    size = record.shuffle_group or (record.clip_len if record.clip_len > 1 else record.num_clips)
    return shuffle_groups(numbers, size, orders_of(path, record.shuffle_seed))
