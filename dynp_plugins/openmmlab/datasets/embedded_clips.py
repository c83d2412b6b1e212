"""The embedded clips of moving digits as an OpenMMLab dataset."""

from typing import Any

from mmengine.dataset import BaseDataset
from mmengine.registry import DATASETS

from ...datasets.digit_motion import MOTIONS
from ...datasets.motion_clips import load_motion_clips


@DATASETS.register_module()
class EmbeddedClips(BaseDataset):
    """Videos (mp4) of a real handwritten digit that moves over clutter, 8 motions as classes.

    They are made on first use and cached, see `dynp_plugins.datasets.motion_clips`. A sample holds
    the path as ``filename`` and the class as ``label``, as mmaction2's transforms want them.

    Args:
        split: ``'train'``, ``'calibration'`` or ``'test'``; made from disjoint original scans.
        cache_dir: Where the videos are kept, by default the user's cache folder.
        **kwargs: As in `mmengine.dataset.BaseDataset`.
    """

    METAINFO = {'classes': MOTIONS}  # noqa: RUF012 - mmengine's own convention

    def __init__(self, split: str, cache_dir: str | None = None, **kwargs: Any):
        self.split = split
        self.cache_dir = cache_dir
        super().__init__(**kwargs)

    def load_data_list(self) -> list[dict]:
        """One entry per clip: its file and its label."""
        clips = load_motion_clips(self.split, self.cache_dir)
        return [
            {'filename': str(clips.folder / name), 'label': label}
            for name, label in zip(clips.names, clips.labels, strict=True)
        ]

    def get_cat_ids(self, idx: int) -> list[int]:
        """Class of one sample, for class-balanced sampling."""
        return [self.get_data_info(idx)['label']]
