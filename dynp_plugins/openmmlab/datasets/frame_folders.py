"""Videos that were taken apart into pictures, one folder of numbered files per video."""

import os
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from mmengine.registry import DATASETS
from PIL import Image

from ...datasets.frame_names import frame_name_pattern
from ...errors import UserError
from .labelled_files import READING_THREADS
from .video_files import VideoFiles

_MAX_LISTED = 5


@DATASETS.register_module()
class FrameFolders(VideoFiles):
    """Labelled folders of frames, for pipelines that decode with ``mmaction.RawFrameDecode``.

    A sample holds ``frame_dir``, ``total_frames``, ``label``, ``filename_tmpl``, ``start_index``
    and ``modality`` ``'RGB'``, as mmaction2's transforms expect.

    Args:
        filename_tmpl: Name of a frame's file, with its number in braces.
        start_index: Number of the first frame.
        **kwargs: As in `VideoFiles`, but ``ann_file`` is required. Its lines are ``folder frames
            label`` as in mmaction2, or ``folder label``: then the frames are counted when the
            dataset is made; a folder whose name ends in a blank and a number needs its count.
            In official lists the folders are named as the videos, without their endings.

    Raises:
        UserError: The list is missing or malformed; a folder or a frame is missing or unreadable.

    Example:
        >>> dict(type='FrameFolders', data_root='data/sthv1', ann_format='sthv1',
        ...      data_prefix='20bn-something-something-v1',
        ...      ann_file='something-something-v1-train.csv', pipeline=[...])
    """

    PATH_KEY = 'frame_dir'

    def __init__(
        self,
        ann_file: str = '',
        filename_tmpl: str = '{:05}.jpg',
        start_index: int = 1,
        **kwargs: Any,
    ):
        self.filename_tmpl = filename_tmpl
        self.start_index = start_index
        pattern = frame_name_pattern(filename_tmpl)
        if pattern is None:
            raise UserError(
                f"filename_tmpl={filename_tmpl!r}: write the frame's number once, in braces, as in "
                "'{:05}.jpg'"
            )
        self._frame_name = pattern
        if not ann_file:
            raise UserError('FrameFolders needs a list: set ann_file')
        super().__init__(ann_file=ann_file, **kwargs)

    def load_data_list(self) -> list[dict]:
        """Read the list; count the frames where it does not."""
        samples = super().load_data_list()
        uncounted = [sample for sample in samples if 'total_frames' not in sample]
        with ThreadPoolExecutor(READING_THREADS) as pool:
            for sample, total in zip(uncounted, pool.map(self._count, uncounted), strict=True):
                sample['total_frames'] = total
        return samples

    def problem_with(self, sample: dict, missing_only: bool = False) -> str | None:
        """What is wrong with a folder; all its frames are decoded."""
        folder = sample['frame_dir']
        if not os.path.isdir(folder):
            return 'does not exist'
        found = self._numbers(folder)
        first, total = self.start_index, sample.get('total_frames')
        wanted = range(first, max(found, default=first) + 1 if total is None else first + total)
        if not wanted:
            return 'has no frames'
        missing = [self.filename_tmpl.format(n) for n in wanted if n not in found]
        if missing:
            more = ', ...' if len(missing) > _MAX_LISTED else ''
            return (
                f'lacks {len(missing)} of {len(wanted)} frames: '
                f'{", ".join(missing[:_MAX_LISTED])}{more}'
            )
        for name in () if missing_only else map(self.filename_tmpl.format, wanted):
            try:
                with Image.open(os.path.join(folder, name)) as image:
                    image.load()
            except Exception as error:  # decoders raise whatever they like on damaged input
                return f'its frame {name}: {type(error).__name__}: {error}'
        return None

    def get_data_info(self, idx: int) -> dict:
        """Annotation of one video."""
        named = {'filename_tmpl': self.filename_tmpl, 'start_index': self.start_index}
        return {**super().get_data_info(idx), **named}

    def _from_list(self) -> list[dict]:
        samples = []
        for name, label in self._listed():
            if self.ann_format is not None:
                name, total = os.path.splitext(name)[0], ''
            else:
                folder, _, total = name.rpartition(' ')
                counted = bool(folder) and total.isdecimal()
                name, total = (folder.rstrip(), total) if counted else (name, '')
            sample = self._sample(os.path.join(self.folder, name), label)
            samples.append(sample | ({'total_frames': int(total)} if total else {}))
        return samples

    def _count(self, sample: dict) -> int:
        problem = self.problem_with(sample, missing_only=True)
        if problem is not None:
            raise UserError(
                f'the video folder {sample["frame_dir"]} {problem}; the list {self.ann_file} names '
                f'it, and frames are called {self.filename_tmpl}. Mend it, correct data_prefix or '
                "filename_tmpl, or set unreadable='skip_missing' to leave such videos out"
            )
        return len(self._numbers(sample['frame_dir']))

    def _numbers(self, folder: str) -> set[int]:
        """Numbers of the frames in a folder, from the first on."""
        names = map(self._frame_name.fullmatch, os.listdir(folder))
        numbers = {int(match[1]) for match in names if match}
        return {number for number in numbers if number >= self.start_index}
