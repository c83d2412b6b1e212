"""Pictures from a folder per class or a list of paths and labels, with errors one can act on."""

import logging
import os
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from mmengine.logging import print_log
from mmengine.registry import DATASETS
from mmpretrain.datasets import CustomDataset
from PIL import Image

from ...errors import UserError
from .path_label_list import read_path_label_list

_READING_THREADS = 4
_MAX_LISTED = 10


@DATASETS.register_module()
class ImageFiles(CustomDataset):
    """``mmpretrain.CustomDataset`` that says which file or line is wrong.

    Folders and files whose names start with a dot are passed over. Pictures of 16 or more bits a
    channel count as unreadable: converted to RGB, Pillow would clip most of them to white.

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
        if not Path(self.img_prefix or '.').is_dir():
            raise UserError(
                f'there is no picture folder {self.img_prefix}; set data_root (and data_prefix) '
                'of the dataset to where the pictures are'
            )
        samples = self._from_list() if self.ann_file else self._from_folders()
        if not samples:
            raise UserError(
                f'no pictures in {self.ann_file or self.img_prefix}; looked for files ending in '
                f'{self._suffixes()}'
            )
        return self._readable(samples) if self.unreadable == 'skip' else samples

    def prepare_data(self, idx: int) -> Any:
        """Run the pipeline on sample ``idx``."""
        path = self.get_data_info(idx)['img_path']
        try:
            with Image.open(path) as image:  # reads the header only
                _check_depth(image)
            return super().prepare_data(idx)
        except Exception as error:
            problem = _why_unreadable(path)
            if problem is None:
                raise
            skip = "set unreadable='skip' in the config's datasets to leave such pictures out"
            if not Path(path).exists():
                source = (
                    f'the list {self.ann_file} names it'
                    if self.ann_file
                    else 'it did when the folder was read'
                )
                raise UserError(
                    f'the picture {path} does not exist; {source}. Put it there, or {skip}'
                ) from error
            raise UserError(
                f'cannot read the picture {path}: {problem}. Mend or remove it, or {skip}'
            ) from error

    def _from_list(self) -> list[dict]:
        classes = self._metainfo.get('classes')
        pairs = read_path_label_list(self.ann_file, self.with_label, classes)
        if self.with_label and pairs and not classes:  # a list names no classes
            count = 1 + max(label for _, label in pairs)
            self._metainfo['classes'] = tuple(map(str, range(count)))
        return [_sample(os.path.join(self.img_prefix, name), label) for name, label in pairs]

    def _from_folders(self) -> list[dict]:
        labels = self._class_folders() if self.with_label else {'': None}
        samples, others = [], Counter()
        for folder, label in labels.items():
            files = sorted(_visible_files(os.path.join(self.img_prefix, folder)))
            pictures = [path for path in files if self.is_valid_file(path)]
            if folder and not pictures:
                _warn(f'no pictures in the class folder {folder} of {self.img_prefix}')
            samples += [_sample(path, label) for path in pictures]
            others.update(
                Path(f).suffix or Path(f).name for f in files if not self.is_valid_file(f)
            )
        if others:
            listed = ', '.join(f'{n} {suffix}' for suffix, n in others.most_common(_MAX_LISTED))
            _warn(
                f'left out {others.total()} files in {self.img_prefix} ({listed}); only files '
                f'ending in {self._suffixes()} are read'
            )
        return samples

    def _class_folders(self) -> dict[str, int]:
        folders = sorted(
            entry.name
            for entry in os.scandir(self.img_prefix)
            if entry.is_dir() and not entry.name.startswith('.')
        )
        if not folders:
            raise UserError(
                f'{self.img_prefix} has no sub-folders; put the pictures of each class into a '
                "folder of its own, or give a list of 'path label' lines as ann_file"
            )
        classes = self._metainfo.setdefault('classes', tuple(folders))
        if len(classes) != len(folders):
            raise UserError(
                f'{self.img_prefix} has {len(folders)} class folders ({", ".join(folders)}), but '
                f'the dataset is given {len(classes)} classes: make them agree'
            )
        return {name: label for label, name in enumerate(folders)}

    def _suffixes(self) -> str:
        return ', '.join(sorted(self.extensions))

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
            _warn(f'left out {len(bad)} of {len(samples)} pictures, which cannot be read: {listed}')
        if len(bad) == len(samples):
            raise UserError(f'none of the {len(samples)} pictures can be read: {bad[0]}, ...')
        return [s for s, problem in zip(samples, problems, strict=True) if problem is None]


def _sample(path: str, label: int | None) -> dict:
    return {'img_path': path} if label is None else {'img_path': path, 'gt_label': label}


def _visible_files(folder: str) -> Iterator[str]:
    for where, folders, files in os.walk(folder, followlinks=True):
        folders[:] = [name for name in folders if not name.startswith('.')]
        yield from (os.path.join(where, name) for name in files if not name.startswith('.'))


def _check_depth(image: Image.Image) -> None:
    if image.mode.startswith(('I', 'F')):  # I;16 and its byte orders, 32-bit integers and floats
        raise ValueError(f'16-bit or deeper (Pillow mode {image.mode}); convert to 8 bit')


def _why_unreadable(path: str) -> str | None:
    """Decode the whole picture; None if that works."""
    try:
        with Image.open(path) as image:
            _check_depth(image)
            image.load()
    except FileNotFoundError:
        return 'does not exist'
    except Exception as error:  # decoders raise whatever they like on damaged input
        return f'{type(error).__name__}: {error}'
    return None


def _warn(message: str) -> None:
    print_log(message, logger='current', level=logging.WARNING)
