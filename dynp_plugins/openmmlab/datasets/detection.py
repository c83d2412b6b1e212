"""The names of the detection datasets, registered without importing mmdet's datasets.

They are subclasses of mmdet's, whose import takes its time, also of those who have pictures to
classify. What stands in the registry is a function that imports the class when it is called.
"""

from typing import Any

from mmengine.dataset import BaseDataset
from mmengine.registry import DATASETS


@DATASETS.register_module(name='CocoFiles')
def build_coco_files(**kwargs: Any) -> BaseDataset:
    """See `coco_files.CocoFiles`."""
    from .coco_files import CocoFiles

    return CocoFiles(**kwargs)


@DATASETS.register_module(name='EmbeddedScenes')
def build_embedded_scenes(**kwargs: Any) -> BaseDataset:
    """See `embedded_scenes.EmbeddedScenes`."""
    from .embedded_scenes import EmbeddedScenes

    return EmbeddedScenes(**kwargs)
