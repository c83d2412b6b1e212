"""The embedded handwritten digits as an OpenMMLab dataset."""

from typing import Any

from mmengine.dataset import BaseDataset
from mmengine.registry import DATASETS

from ...datasets import load_digit_images


@DATASETS.register_module()
class EmbeddedDigits(BaseDataset):
    """64x64 RGB pictures of real handwritten digits on cluttered backgrounds, 10 classes.

    They are made on first use and cached, see `dynp_plugins.datasets.digit_images`. A sample holds
    the picture itself as ``img`` (64, 64, 3), so that the pipeline needs no loading transform.

    Args:
        split: ``'train'``, ``'calibration'`` or ``'test'``; made from disjoint original scans.
        cache_dir: Where the pictures are kept, by default the user's cache folder.
        **kwargs: As in `mmengine.dataset.BaseDataset`.
    """

    METAINFO = {'classes': tuple('0123456789')}  # noqa: RUF012 - mmengine's own convention

    def __init__(self, split: str, cache_dir: str | None = None, **kwargs: Any):
        self.split = split
        self.cache_dir = cache_dir
        self._images = None
        super().__init__(serialize_data=False, **kwargs)

    def load_data_list(self) -> list[dict]:
        """One entry per picture: its label, and what it was made from."""
        digits = load_digit_images(self.split, self.cache_dir)
        return [
            {
                'img_path': f'embedded_digits/{self.split}/{index}',  # a name; there is no file
                'gt_label': int(label),
                'scan': int(scan),
                'difficulty': float(difficulty),
            }
            for index, (label, scan, difficulty) in enumerate(
                zip(digits.labels, digits.scans, digits.difficulty, strict=True)
            )
        ]

    def get_data_info(self, idx: int) -> dict:
        """The entry of one picture, and the picture."""
        info = super().get_data_info(idx)
        if self._images is None:
            self._images = load_digit_images(self.split, self.cache_dir).images
        image = self._images[info['sample_idx']].copy()
        return {**info, 'img': image, 'img_shape': image.shape[:2], 'ori_shape': image.shape[:2]}

    def __getstate__(self) -> dict:
        # A spawned worker maps the pictures itself; pickled, they would be copied.
        return {**self.__dict__, '_images': None}
