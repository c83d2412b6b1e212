"""The names of the detection datasets, registered without importing mmdet's datasets.

They are subclasses of mmdet's, whose import takes its time, also of those who have pictures to
classify. What stands in the registry is a function that imports the class when it is called. Its
``METAINFO`` is that of the class, as far as it is known without the data.
"""

from typing import Any

from mmengine.dataset import BaseDataset
from mmengine.registry import DATASETS

from ...datasets.digit_scenes import CLASSES


@DATASETS.register_module(name='CocoFiles')
def build_coco_files(**kwargs: Any) -> BaseDataset:
    """See `coco_files.CocoFiles`."""
    from .coco_files import CocoFiles

    return CocoFiles(**kwargs)


build_coco_files.METAINFO = {}  # the classes are those of the json


@DATASETS.register_module(name='EmbeddedScenes')
def build_embedded_scenes(**kwargs: Any) -> BaseDataset:
    """See `embedded_scenes.EmbeddedScenes`."""
    from .embedded_scenes import EmbeddedScenes

    return EmbeddedScenes(**kwargs)


build_embedded_scenes.METAINFO = {'classes': CLASSES}
