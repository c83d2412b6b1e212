"""Videos from a folder per class, a list of paths and labels, or a data set's official list."""

import copy
import os
from collections.abc import Sequence
from typing import Any

from mmengine.dataset import BaseDataset
from mmengine.registry import DATASETS

from ...datasets.video_reading import video_problem
from ...errors import UserError
from .labelled_files import LabelledFiles, check_unreadable, class_metainfo


@DATASETS.register_module()
class VideoFiles(LabelledFiles, BaseDataset):
    """Labelled video files for pipelines that start with ``OpenVideo``.

    A sample holds ``filename``, ``label``, ``start_index`` 0 and ``modality`` ``'RGB'``, as
    mmaction2's transforms expect. Folders and files whose names start with a dot are passed over.

    Args:
        data_root: Folder that ``data_prefix``, ``ann_file`` and ``classes`` start from.
        data_prefix: Folder of the videos, also as mmaction2 writes it, ``dict(video=...)``.
        ann_file: List of ``path label`` lines, or what ``ann_format`` says; without it, one
            folder per class.
        ann_format: The official annotation format of a data set, see `read_official_list`: its
            name, or a dict of ``name`` and its settings.
        with_label: False for videos without classes.
        classes: Class names, or a file with one on each line.
        extensions: What the names of videos in folders end in.
        unreadable: What happens to a video that cannot be read. ``'stop'``: the run ends when it
            meets the video. ``'skip'``: all videos are decoded once when the dataset is made,
            and the unreadable ones are logged by name and left out; this takes a while with
            large data. ``'skip_missing'``: so for videos that do not exist, and nothing is
            decoded.
        **kwargs: As in ``mmengine.dataset.BaseDataset``: ``pipeline``, ``test_mode``, ...

    Raises:
        UserError: The folder or list is missing, empty or malformed, or a video is unreadable.

    Example:
        >>> dict(type='VideoFiles', data_root='data/mine', data_prefix='videos',
        ...      ann_file='train.txt', classes='classes.txt', pipeline=[...])
    """

    KIND, PATH_KEY, LABEL_KEY = 'video', 'filename', 'label'

    def __init__(
        self,
        data_root: str = '',
        data_prefix: str | dict = '',
        ann_file: str = '',
        ann_format: str | dict | None = None,
        with_label: bool = True,
        classes: str | Sequence[str] | None = None,
        extensions: Sequence[str] = ('.mp4', '.webm', '.avi', '.mkv', '.mov', '.m4v', '.mpg'),
        unreadable: str = 'stop',
        metainfo: dict | None = None,
        **kwargs: Any,
    ):
        self.ann_format = copy.deepcopy(ann_format)
        self.with_label = with_label
        self.extensions = tuple(suffix.lower() for suffix in extensions)
        self.unreadable = check_unreadable(unreadable)
        if ann_format is not None and not ann_file:
            raise UserError(f'ann_format={ann_format!r} says how to read ann_file; set that too')
        if not isinstance(data_prefix, str):
            if len(data_prefix) != 1:
                raise UserError(f'data_prefix={dict(data_prefix)}: name one folder')
            (data_prefix,) = data_prefix.values()
        super().__init__(
            data_root=data_root,
            data_prefix={'video': data_prefix},
            ann_file=ann_file,
            metainfo=class_metainfo(classes, data_root, metainfo),
            **kwargs,
        )

    @property
    def folder(self) -> str:
        """Where the videos are."""
        return self.data_prefix['video']

    def problem_with(self, sample: dict, missing_only: bool = False) -> str | None:
        """What is wrong with a video; all of it is decoded."""
        path = sample['filename']
        if not os.path.exists(path):
            return 'does not exist'
        return None if missing_only else video_problem(path)

    def get_data_info(self, idx: int) -> dict:
        """Annotation of one video."""
        return {**super().get_data_info(idx), 'start_index': 0, 'modality': 'RGB'}

    def get_cat_ids(self, idx: int) -> list[int]:
        """Class of one video, for class-balanced sampling."""
        return [self.get_data_info(idx)['label']]
