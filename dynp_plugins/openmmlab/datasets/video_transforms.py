"""Pipeline transforms for videos: opening and decoding with PyAV, and shuffled frames as a control.

They take the places of mmaction2's ``DecordInit`` and ``DecordDecode`` and leave everything after
them to mmaction2.
"""

import numpy as np
from mmcv.transforms import BaseTransform
from mmengine.registry import TRANSFORMS

from ...datasets.frame_shuffling import orders_of, shuffle_groups
from ...datasets.video_reading import VideoReader
from ...errors import UserError


@TRANSFORMS.register_module()
class OpenVideo(BaseTransform):
    """Lists the frames of a video, so that some of them can be sampled.

    Needs ``filename``. Adds ``video_reader`` (a `VideoReader`), ``total_frames``, ``avg_fps`` (None
    where the file does not tell), and, where the dataset has not set them, ``start_index`` 0 and
    ``modality`` ``'RGB'``.

    Args:
        threads: Decoding threads of one video.

    Raises:
        UserError: There is no file name; the file is missing, empty, damaged, cut short, or holds
            no video.

    Example:
        >>> pipeline = [
        ...     dict(type='OpenVideo'),
        ...     dict(type='mmaction.SampleFrames', clip_len=1, num_clips=8, test_mode=True),
        ...     dict(type='DecodeVideo'),
        ...     dict(type='mmaction.Resize', scale=(-1, 256)),
        ...     dict(type='mmaction.CenterCrop', crop_size=224),
        ...     dict(type='mmaction.FormatShape', input_format='NCHW'),
        ...     dict(type='mmaction.PackActionInputs', meta_keys=('img_shape', 'filename')),
        ... ]
    """

    def __init__(self, threads: int = 1):
        self.threads = threads

    def transform(self, results: dict) -> dict:
        """Add the reader and what it knows."""
        if 'filename' not in results:
            raise UserError(
                'OpenVideo needs the filename of a video, which the dataset does not give: folders '
                'of frames are read by mmaction.RawFrameDecode alone, behind mmaction.SampleFrames'
            )
        reader = VideoReader(results['filename'], self.threads)
        results['video_reader'] = reader
        results['total_frames'] = len(reader)
        results['avg_fps'] = reader.fps
        results.setdefault('start_index', 0)
        results.setdefault('modality', 'RGB')
        return results

    def __repr__(self) -> str:
        return f'{type(self).__name__}(threads={self.threads})'


@TRANSFORMS.register_module()
class DecodeVideo(BaseTransform):
    """Decodes the sampled frames of an opened video.

    Needs ``video_reader`` and ``frame_inds`` (numbers from ``start_index``, in any shape). Adds
    ``imgs`` (list of uint8 (H, W, 3), RGB, upright, one for each number in the order given),
    ``img_shape`` and ``original_shape`` (both (H, W)). Takes ``video_reader`` out.

    Raises:
        UserError: The file is damaged where it is read, or no frames were chosen before.
    """

    def transform(self, results: dict) -> dict:
        """Add the frames."""
        for entry, step in (('video_reader', 'OpenVideo'), ('frame_inds', 'mmaction.SampleFrames')):
            if entry not in results:
                raise UserError(f'DecodeVideo needs {step} before it in the pipeline')
        reader = results.pop('video_reader')
        numbers = np.asarray(results['frame_inds']).reshape(-1)
        results['imgs'] = reader.read(numbers - results.get('start_index', 0))
        results['original_shape'] = results['img_shape'] = results['imgs'][0].shape[:2]
        return results

    def __repr__(self) -> str:
        return f'{type(self).__name__}()'


@TRANSFORMS.register_module()
class ShuffleFrames(BaseTransform):
    """A control, no augmentation: takes the order of the sampled frames away.

    What a network still recognises after this, it recognises without temporal order. Place it
    between sampling and decoding. The frames that a network sees together stay together. Their new
    order always differs from the sampled one, unless all of them are the same frame.

    Needs ``frame_inds``, ``clip_len``, ``num_clips`` and, unless ``fresh``, the file's name
    (``filename`` or ``frame_dir``).

    Args:
        fresh: Draw another order every time, for training. Otherwise the order follows from the
            name of the file (without its folders) and ``seed``, and is the same in every run.
        seed: Another seed gives other orders; without effect if ``fresh``.
        group_size: Number of frames that a network sees together. By default those of one clip
            (``clip_len``), or, if clips have one frame each as for TSN and TSM, one frame of each
            clip (``num_clips``).

    Raises:
        UserError: The sampled frames do not make up whole groups.
    """

    def __init__(self, fresh: bool = False, seed: int = 0, group_size: int | None = None):
        self.fresh = fresh
        self.seed = seed
        self.group_size = group_size

    def transform(self, results: dict) -> dict:
        """Put ``frame_inds`` into another order."""
        numbers = np.asarray(results['frame_inds'])
        size = self.group_size or (
            results['clip_len'] if results['clip_len'] > 1 else results['num_clips']
        )
        if numbers.size % size:
            raise UserError(
                f'ShuffleFrames: {numbers.size} sampled frames are no whole number of groups of '
                f'{size}; set group_size to the number of frames that the network sees together'
            )
        path = results['filename'] if 'filename' in results else results['frame_dir']
        rng = np.random if self.fresh else orders_of(str(path), self.seed)
        results['frame_inds'] = shuffle_groups(numbers, size, rng)
        return results

    def __repr__(self) -> str:
        return (
            f'{type(self).__name__}(fresh={self.fresh}, seed={self.seed}, '
            f'group_size={self.group_size})'
        )
