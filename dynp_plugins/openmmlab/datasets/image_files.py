"""Pictures from a folder per class or a list of paths and labels, with errors one can act on."""

import os
from typing import Any

from mmengine.registry import DATASETS
from mmpretrain.datasets import CustomDataset
from PIL import Image

from ...datasets.picture_files import check_depth, picture_problem
from .labelled_files import LabelledFiles, check_unreadable


@DATASETS.register_module()
class ImageFiles(LabelledFiles, CustomDataset):
    """``mmpretrain.CustomDataset`` that says which file or line is wrong.

    Folders and files whose names start with a dot are passed over. Pictures of 16 or more bits a
    channel count as unreadable: converted to RGB, Pillow would clip most of them to white.

    Args:
        unreadable: What happens to a picture that cannot be decoded. ``'stop'``: the run ends
            when it meets the picture. ``'skip'``: all pictures are decoded once when the dataset
            is made, and the unreadable ones are logged by name and left out.
            ``'skip_missing'``: so for pictures that do not exist, and nothing is decoded.
        **kwargs: As in ``mmpretrain.CustomDataset``: ``data_root``, ``data_prefix``, ``ann_file``
            (lines of ``path label``; without it, one folder per class), ``pipeline``, ...

    Raises:
        UserError: The folder or list is missing, empty or malformed, or a picture is unreadable.
    """

    KIND, PATH_KEY, LABEL_KEY = 'picture', 'img_path', 'gt_label'

    def __init__(self, unreadable: str = 'stop', **kwargs: Any):
        self.unreadable = check_unreadable(unreadable)
        super().__init__(**kwargs)

    @property
    def folder(self) -> str:
        """Where the pictures are."""
        return self.img_prefix

    def check_header(self, path: str) -> None:
        """Refuse a picture that is too deep."""
        with Image.open(path) as image:  # reads the header only
            check_depth(image)

    def problem_with(self, sample: dict, missing_only: bool = False) -> str | None:
        """What is wrong with a picture; all of it is decoded."""
        path = sample['img_path']
        if not os.path.exists(path):
            return 'does not exist'
        return None if missing_only else picture_problem(path)
