"""Cutting a calibration split out of a training set, the same way in every run."""

import hashlib
from collections import defaultdict
from typing import Any

from mmengine.registry import DATASETS
from torch.utils.data import Dataset

from ...errors import UserError


@DATASETS.register_module()
class HeldOut(Dataset):
    """One of two disjoint parts of another dataset: what is held out of it, or the rest.

    Which samples are held out follows from a hash of each picture's path (of its index, for
    data without files), so that it does not depend on the order, the machine or the number of
    other pictures. Every class gives the same share.

    Args:
        dataset: Config of the dataset to cut. Both parts must name the same data; their
            pipelines may differ.
        part: ``'held_out'`` or ``'rest'``.
        size: Share (below 1) or number of samples to hold out.
        seed: Another seed holds out other samples.

    Raises:
        UserError: An impossible part or size, or fewer than two samples in a class.

    Example:
        >>> train = dict(type='HeldOut', part='rest', size=0.1, dataset=dict(...))
        >>> calibration = dict(type='HeldOut', part='held_out', size=0.1, dataset=dict(...))
    """

    def __init__(self, dataset: dict, part: str, size: float, seed: int = 0):
        if part not in ('held_out', 'rest'):
            raise UserError(f"part={part!r}: choose 'held_out' or 'rest'")
        self.dataset = DATASETS.build(dataset)
        self.dataset.full_init()
        total = len(self.dataset)
        share = size if size < 1 else size / total
        if not 0 < share < 1:
            raise UserError(
                f'size={size}: hold out a share between 0 and 1, or fewer than all {total} samples'
            )
        held_out = _choose(self.dataset, share, seed)
        self.indices = sorted(held_out if part == 'held_out' else set(range(total)) - held_out)

    @property
    def metainfo(self) -> dict:
        """Class names and the like, of the whole dataset."""
        return self.dataset.metainfo

    def full_init(self) -> None:
        """Nothing is left to do; mmengine's loops call it."""

    def get_data_info(self, idx: int) -> dict:
        """Annotation of one sample."""
        return self.dataset.get_data_info(self.indices[idx])

    def get_cat_ids(self, idx: int) -> list[int]:
        """Class of one sample, for class-balanced sampling."""
        return self.dataset.get_cat_ids(self.indices[idx])

    def __len__(self) -> int:
        return len(self.indices)

    def __getitem__(self, idx: int) -> Any:
        return self.dataset[self.indices[idx]]


def _choose(dataset: Any, share: float, seed: int) -> set[int]:
    """Indices of the samples whose hashes are the smallest of their class."""
    members = defaultdict(list)
    for index in range(len(dataset)):
        info = dataset.get_data_info(index)
        identity = _relative_path(info, dataset) or str(index)
        digest = hashlib.sha256(f'{seed}:{identity}'.encode()).digest()
        members[info['gt_label']].append((digest, index))
    chosen: set[int] = set()
    for label, hashed in members.items():
        if len(hashed) < 2:
            raise UserError(
                f'class {label} has a single sample, which cannot be both trained on and held out'
            )
        count = min(max(1, round(share * len(hashed))), len(hashed) - 1)
        chosen.update(index for _, index in sorted(hashed)[:count])
    return chosen


def _relative_path(info: dict, dataset: Any) -> str:
    """The picture's path below the data folder: moving the folder changes nothing."""
    if 'img_path' not in info:
        return ''
    return info['img_path'].removeprefix(getattr(dataset, 'img_prefix', '')).lstrip('/\\')
