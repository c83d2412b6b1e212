"""Pictures and boxes in COCO format, the classes taken from the json."""

import json
from pathlib import Path

from mmdet.datasets import CocoDataset


class CocoFiles(CocoDataset):
    """``mmdet.CocoDataset`` whose classes are those of its json.

    Args:
        **kwargs: As in ``mmdet.CocoDataset``: ``data_root``, ``data_prefix=dict(img=...)``,
            ``ann_file``, ``metainfo``, ``filter_cfg``, ``pipeline``, ``test_mode``, ...
    """

    METAINFO = {}  # noqa: RUF012 - mmengine's own convention

    def load_data_list(self) -> list[dict]:
        """One entry per image, with its boxes as ``instances``."""
        if not self._metainfo.get('classes'):
            content = json.loads(Path(self.ann_file).read_text(encoding='utf-8'))
            self._metainfo['classes'] = tuple(c['name'] for c in content['categories'])
        return super().load_data_list()
