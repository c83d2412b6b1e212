"""The embedded scenes of several digits as an OpenMMLab dataset."""

from typing import Any

from ...datasets.digit_scenes import CLASSES, load_digit_scenes
from .coco_files import CocoFiles


class EmbeddedScenes(CocoFiles):
    """Scenes (PNG, 128 by 72 to 128 pixels) of 1 to 6 real handwritten digits, 10 classes.

    They are made on first use and cached, see `dynp_plugins.datasets.digit_scenes`.

    Args:
        split: ``'train'``, ``'calibration'`` or ``'test'``; made from disjoint original scans.
        cache_dir: Where the pictures are kept, by default the user's cache folder.
        **kwargs: As in `CocoFiles`, but for the places of the files.
    """

    METAINFO = {'classes': CLASSES}  # noqa: RUF012 - mmengine's own convention

    def __init__(self, split: str, cache_dir: str | None = None, **kwargs: Any):
        scenes = load_digit_scenes(split, cache_dir)
        super().__init__(
            ann_file=str(scenes.annotations),
            data_prefix=str(scenes.folder),
            pictures='names',  # the cache has checked their content
            **kwargs,
        )
