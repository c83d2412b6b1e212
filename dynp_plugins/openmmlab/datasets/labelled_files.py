"""What datasets of labelled files share: folders, lists, and what becomes of unreadable files."""

import logging
import os
from collections import Counter
from collections.abc import Collection, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from mmengine.logging import print_log

from ...errors import UserError
from .official_lists import read_official_list
from .path_label_list import read_path_label_list

READING_THREADS = 4
_MAX_LISTED = 10


class LabelledFiles:
    """Mixed into a subclass of ``mmengine.dataset.BaseDataset``, before it.

    A subclass sets what is declared here and defines ``folder`` and ``problem_with``.

    Attributes:
        KIND: What a sample is called in messages.
        PATH_KEY: Entry of a sample's path.
        LABEL_KEY: Entry of its class number.
        extensions: What the names of files found in folders end in, in lower case.
        with_label: Whether samples have labels.
        unreadable: What happens to files that cannot be read, see `check_unreadable`.
        ann_format: An official annotation format, see `read_official_list`; None for lists of
            ``path label`` lines and for folders.
    """

    KIND: str
    PATH_KEY: str
    LABEL_KEY: str

    extensions: Collection[str]
    with_label: bool
    unreadable: str
    ann_format: str | dict | None = None

    @property
    def folder(self) -> str:
        """Where the files are; paths in lists start here."""
        raise NotImplementedError

    def problem_with(self, sample: dict, missing_only: bool = False) -> str | None:
        """What is wrong with a sample's file, to be read after its name; None if nothing is.

        Args:
            sample: Its entry.
            missing_only: Only say whether the file is missing; nothing is decoded.
        """
        raise NotImplementedError

    def is_valid_file(self, path: str) -> bool:
        """Whether a file found in a folder is meant to be a sample, by its name."""
        return path.lower().endswith(tuple(self.extensions))

    def load_data_list(self) -> list[dict]:
        """Read the list or walk the folders."""
        if not Path(self.folder or '.').is_dir():
            raise UserError(
                f'there is no {self.KIND} folder {self.folder}; set data_root (and data_prefix) '
                f'of the dataset to where the {self.KIND}s are, or DATA_ROOT where the config '
                'reads that variable'
            )
        samples = self._from_list() if self.ann_file else self._from_folders()
        if not samples:
            raise UserError(
                f'no {self.KIND}s in {self.ann_file or self.folder}; looked for files ending in '
                f'{self._suffixes()}'
            )
        return samples if self.unreadable == 'stop' else self._readable(samples)

    def prepare_data(self, idx: int) -> Any:
        """Run the pipeline on sample ``idx``.

        Raises:
            UserError: Its file is missing or cannot be read.
        """
        sample = self.get_data_info(idx)
        path = sample[self.PATH_KEY]
        try:
            self.check_header(path)
            return super().prepare_data(idx)
        except Exception as error:
            problem = self.problem_with(sample)
            if problem is None:
                raise
            skip = (
                "set unreadable='skip' in the config's datasets (or UNREADABLE=skip where the "
                f'config reads that variable) to leave such {self.KIND}s out'
            )
            if not os.path.exists(path):
                source = (
                    f'the list {self.ann_file} names it'
                    if self.ann_file
                    else 'it did when the folder was read'
                )
                raise UserError(
                    f'the {self.KIND} {path} does not exist; {source}. Put it there, or {skip}'
                ) from error
            raise UserError(
                f'cannot read the {self.KIND} {path}: {problem}. Mend or remove it, or {skip}'
            ) from error

    def check_header(self, path: str) -> None:
        """Raise whatever for a file that the pipeline would read, but should not."""

    def _from_list(self) -> list[dict]:
        return [
            self._sample(os.path.join(self.folder, name), label) for name, label in self._listed()
        ]

    def _listed(self) -> list[tuple[str, int | None]]:
        """Paths below the folder and class numbers, as the list says; sets the class names."""
        classes = self._metainfo.get('classes')
        if self.ann_format is not None:
            official = read_official_list(self.ann_file, self.ann_format, self.folder)
            if classes and tuple(classes) != official.classes:
                raise UserError(
                    f'the {len(classes)} classes given to the dataset are not the '
                    f'{len(official.classes)} of {self.ann_file} '
                    f'({", ".join(official.classes[:3])}, ...): leave them out of the config'
                )
            self._metainfo['classes'] = official.classes
            return official.samples
        pairs = read_path_label_list(self.ann_file, self.with_label, classes)
        if self.with_label and pairs and not classes:  # a list names no classes
            count = 1 + max(label for _, label in pairs)
            self._metainfo['classes'] = tuple(map(str, range(count)))
        return pairs

    def _sample(self, path: str, label: int | None) -> dict:
        return {self.PATH_KEY: path} | ({} if label is None else {self.LABEL_KEY: label})

    def _from_folders(self) -> list[dict]:
        labels = self._class_folders() if self.with_label else {'': None}
        samples, others = [], Counter()
        for folder, label in labels.items():
            files = sorted(_visible_files(os.path.join(self.folder, folder)))
            valid = [path for path in files if self.is_valid_file(path)]
            if folder and not valid:
                warn(f'no {self.KIND}s in the class folder {folder} of {self.folder}')
            samples += [self._sample(path, label) for path in valid]
            others.update(
                Path(f).suffix or Path(f).name for f in files if not self.is_valid_file(f)
            )
        if others:
            listed = ', '.join(f'{n} {suffix}' for suffix, n in others.most_common(_MAX_LISTED))
            warn(
                f'left out {others.total()} files in {self.folder} ({listed}); only files '
                f'ending in {self._suffixes()} are read'
            )
        return samples

    def _class_folders(self) -> dict[str, int]:
        folders = sorted(
            entry.name
            for entry in os.scandir(self.folder)
            if entry.is_dir() and not entry.name.startswith('.')
        )
        if not folders:
            raise UserError(
                f'{self.folder} has no sub-folders; put the {self.KIND}s of each class into a '
                "folder of its own, or give a list of 'path label' lines as ann_file"
            )
        classes = self._metainfo.setdefault('classes', tuple(folders))
        if len(classes) != len(folders):
            raise UserError(
                f'{self.folder} has {len(folders)} class folders ({", ".join(folders)}), but '
                f'the dataset is given {len(classes)} classes: make them agree'
            )
        if sorted(classes) == folders != list(classes):
            raise UserError(
                f'the classes given to the dataset are the class folders of {self.folder} in '
                'another order: the folders are numbered alphabetically, so leave classes out'
            )
        return {name: label for label, name in enumerate(folders)}

    def _suffixes(self) -> str:
        return ', '.join(sorted(self.extensions))

    def _readable(self, samples: list[dict]) -> list[dict]:
        missing_only = self.unreadable == 'skip_missing'
        with ThreadPoolExecutor(READING_THREADS) as pool:
            problems = list(pool.map(lambda s: self.problem_with(s, missing_only), samples))
        bad = [
            f'{sample[self.PATH_KEY]} ({problem})'
            for sample, problem in zip(samples, problems, strict=True)
            if problem is not None
        ]
        if bad:
            listed = ', '.join(bad[:_MAX_LISTED]) + (', ...' if len(bad) > _MAX_LISTED else '')
            warn(
                f'left out {len(bad)} of {len(samples)} {self.KIND}s, which cannot be read: '
                f'{listed}'
            )
        if len(bad) == len(samples):
            raise UserError(f'none of the {len(samples)} {self.KIND}s can be read: {bad[0]}, ...')
        return [s for s, problem in zip(samples, problems, strict=True) if problem is None]


def check_unreadable(unreadable: str) -> str:
    """Refuse anything but ``'stop'``, ``'skip'`` and ``'skip_missing'``.

    ``'stop'``: the run ends when it meets the file. ``'skip'``: all files are decoded once when
    the dataset is made, and the unreadable ones are logged by name and left out.
    ``'skip_missing'``: so for the missing ones only, which decodes nothing.

    Raises:
        UserError: Names the value.
    """
    if unreadable not in ('stop', 'skip', 'skip_missing'):
        raise UserError(f"unreadable={unreadable!r}: choose 'stop', 'skip' or 'skip_missing'")
    return unreadable


def class_metainfo(
    classes: str | Sequence[str] | None, data_root: str, metainfo: dict | None
) -> dict:
    """``metainfo`` with the class names: as given, or read from a file with one on each line.

    Raises:
        UserError: There is no such file, or it has no names.
    """
    if classes is None:
        return metainfo or {}
    if isinstance(classes, str):
        path = Path(data_root, classes)
        if not path.is_file():
            raise UserError(f'there is no list of classes {path}; set classes of the dataset')
        lines = path.read_text(encoding='utf-8-sig').splitlines()
        classes = [line.strip() for line in lines if line.strip()]
        if not classes:
            raise UserError(f'the list of classes {path} is empty')
    return {**(metainfo or {}), 'classes': tuple(classes)}


def warn(message: str) -> None:
    """Through the logger of the run."""
    print_log(message, logger='current', level=logging.WARNING)


def _visible_files(folder: str) -> Iterator[str]:
    for where, folders, files in os.walk(folder, followlinks=True):
        folders[:] = [name for name in folders if not name.startswith('.')]
        yield from (os.path.join(where, name) for name in files if not name.startswith('.'))
