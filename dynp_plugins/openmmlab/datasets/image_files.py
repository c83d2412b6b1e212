"""Pictures from a folder per class or a list of paths and labels, with errors one can act on."""

import logging
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from mmengine.logging import print_log
from mmengine.registry import DATASETS
from mmpretrain.datasets import CustomDataset
from PIL import Image

from ...errors import UserError

_READING_THREADS = 4
_MAX_LISTED = 10


@DATASETS.register_module()
class ImageFiles(CustomDataset):
    """``mmpretrain.CustomDataset`` that says which file or line is wrong.

    Args:
        unreadable: What happens to a picture that cannot be decoded. ``'stop'``: the run ends
            when it meets the picture. ``'skip'``: all pictures are decoded once when the dataset
            is made, and the unreadable ones are logged by name and left out.
        **kwargs: As in ``mmpretrain.CustomDataset``: ``data_root``, ``data_prefix``, ``ann_file``
            (lines of ``path label``; without it, one folder per class), ``pipeline``, ...

    Raises:
        UserError: The folder or list is missing, empty or malformed, or a picture is unreadable.
    """

    def __init__(self, unreadable: str = 'stop', **kwargs: Any):
        if unreadable not in ('stop', 'skip'):
            raise UserError(f"unreadable={unreadable!r}: choose 'stop' or 'skip'")
        self.unreadable = unreadable
        super().__init__(**kwargs)

    def load_data_list(self) -> list[dict]:
        """Read the list or walk the folders."""
        self._check_source()
        try:
            samples = super().load_data_list()
        except RuntimeError as error:  # what CustomDataset raises where no file is found
            raise UserError(self._nothing_found()) from error
        if not samples:
            raise UserError(self._nothing_found())
        if self.with_label and not self._metainfo.get('classes'):  # a list names no classes
            count = 1 + max(sample['gt_label'] for sample in samples)
            self._metainfo['classes'] = tuple(map(str, range(count)))
        return self._readable(samples) if self.unreadable == 'skip' else samples

    def prepare_data(self, idx: int) -> Any:
        """Run the pipeline on sample ``idx``."""
        try:
            return super().prepare_data(idx)
        except Exception as error:
            path = self.get_data_info(idx)['img_path']
            problem = _why_unreadable(path)
            if problem is None:
                raise
            raise UserError(
                f'cannot read the picture {path}: {problem}. Mend or remove it, or set '
                "unreadable='skip' in the config's datasets to leave such pictures out"
            ) from error

    def _check_source(self) -> None:
        if not Path(self.img_prefix or '.').is_dir():
            raise UserError(
                f'there is no picture folder {self.img_prefix}; set data_root (and data_prefix) '
                'of the dataset to where the pictures are'
            )
        if not self.ann_file:
            if not any(path.is_dir() for path in Path(self.img_prefix).iterdir()):
                raise UserError(
                    f'{self.img_prefix} has no sub-folders; put the pictures of each class into a '
                    "folder of its own, or give a list of 'path label' lines as ann_file"
                )
            return
        if not Path(self.ann_file).is_file():
            raise UserError(f'there is no list {self.ann_file}; set ann_file of the dataset')
        classes = self._metainfo.get('classes')
        for number, line in enumerate(Path(self.ann_file).read_text().splitlines(), 1):
            label = line.strip().rpartition(' ')[2]
            if not line.strip() or (self.with_label and not (' ' in line and label.isdigit())):
                raise UserError(
                    f"{self.ann_file}, line {number}: {line!r} is not 'path label' with a class "
                    'number'
                )
            if self.with_label and classes and int(label) >= len(classes):
                raise UserError(
                    f'{self.ann_file}, line {number}: label {label}, but there are only '
                    f'{len(classes)} classes, numbered from 0'
                )

    def _nothing_found(self) -> str:
        where = self.ann_file or self.img_prefix
        return f'no pictures in {where}; looked for files ending in {", ".join(self.extensions)}'

    def _readable(self, samples: list[dict]) -> list[dict]:
        with ThreadPoolExecutor(_READING_THREADS) as pool:
            problems = list(pool.map(_why_unreadable, (s['img_path'] for s in samples)))
        bad = [
            f'{sample["img_path"]} ({problem})'
            for sample, problem in zip(samples, problems, strict=True)
            if problem is not None
        ]
        if bad:
            listed = ', '.join(bad[:_MAX_LISTED]) + (', ...' if len(bad) > _MAX_LISTED else '')
            print_log(
                f'left out {len(bad)} of {len(samples)} pictures, which cannot be read: {listed}',
                logger='current',
                level=logging.WARNING,
            )
        if len(bad) == len(samples):
            raise UserError(f'none of the {len(samples)} pictures can be read: {bad[0]}, ...')
        return [s for s, problem in zip(samples, problems, strict=True) if problem is None]


def _why_unreadable(path: str) -> str | None:
    """Decode the whole picture; None if that works."""
    try:
        with Image.open(path) as image:
            image.load()
    except Exception as error:  # decoders raise whatever they like on damaged input
        return f'{type(error).__name__}: {error}'
    return None
