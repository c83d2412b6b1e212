"""What a network gives one answer for, and how such samples are told from what a user hands in."""

import logging
import os
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from ..errors import UserError

Sample = str | np.ndarray | Image.Image
"""A path, an array of uint8 in BGR order or, of pictures, a Pillow image."""

PICTURE_SUFFIXES = ('.bmp', '.jpeg', '.jpg', '.pgm', '.png', '.ppm', '.tif', '.tiff', '.webp')
"""The files of a folder that count as pictures; in any case."""

VIDEO_SUFFIXES = (
    *('.avi', '.flv', '.m4v', '.mkv', '.mov'),
    *('.mp4', '.mpeg', '.mpg', '.webm', '.wmv'),
)
"""The files of a folder that count as videos; in any case."""

_MAX_LISTED = 5
_logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class SampleKind:
    """A kind of samples: pictures, or videos.

    Attributes:
        name: What sentences call one of them.
        column: What tables and files call one of them.
        in_folder: The paths of those in a folder and its sub-folders, in order.
        check_memory: Refuses with a `UserError` what is neither a path nor one of them.
        check_path: Refuses with a `UserError` a path that plainly is something else.
        filename_tmpl: Names of the frames, where videos are folders of them.
    """

    name: str
    column: str
    in_folder: Callable[[str], list[str]]
    check_memory: Callable[[Any], None]
    check_path: Callable[[str], None]
    filename_tmpl: str | None = None

    def expand(self, inputs: Any) -> list[Sample]:
        """The single samples of what was given, in order; nothing is decoded yet.

        Args:
            inputs: A path, a folder, something in memory, or a list or tuple of these. A folder
                stands for all samples in it and in its sub-folders, sorted by path; files and
                folders whose names start with a dot are passed over.

        Raises:
            UserError: A path given alone does not exist or is of another kind (in a list, both are
                left for the reader to report); a folder holds no sample; anything else.
        """
        if isinstance(inputs, list | tuple):
            return [sample for entry in inputs for sample in self._samples_of(entry)]
        if isinstance(inputs, str | os.PathLike):
            path = os.fspath(inputs)
            if not os.path.exists(path):
                raise UserError(f'there is no {self.name} or folder {path}')
            if not os.path.isdir(path):
                try:
                    self.check_path(path)
                except UserError as error:
                    raise UserError(f'{path}: {error}') from error
        return self._samples_of(inputs)

    def _samples_of(self, entry: Any) -> list[Sample]:
        """One entry of the inputs as single samples."""
        if isinstance(entry, str | os.PathLike):
            path = os.fspath(entry)
            return self.in_folder(path) if os.path.isdir(path) else [path]
        self.check_memory(entry)
        return [entry]


def files_in_folder(folder: str, suffixes: Sequence[str], name: str) -> list[str]:
    """The files below a folder that end in one of some suffixes, in any case, sorted by path.

    Args:
        folder: The folder.
        suffixes: The suffixes, with a dot and in lower case.
        name: What messages call such a file.

    Raises:
        UserError: There is none, or a folder cannot be looked into.
    """
    files = sorted(
        os.path.join(where, file) for where, names in visible_folders(folder) for file in names
    )
    wanted = [path for path in files if path.lower().endswith(tuple(suffixes))]
    others = Counter(
        Path(path).suffix.lower() or 'without a suffix'
        for path in files
        if not path.lower().endswith(tuple(suffixes))
    )
    listed = ', '.join(f'{n} {suffix}' for suffix, n in others.most_common(_MAX_LISTED))
    if not wanted:
        raise UserError(
            f'there is no {name} in the folder {folder}; looked for files ending in '
            + ', '.join(suffixes)
            + (f', and found {listed}' if others else '')
        )
    if others:
        _logger.info('left out %d other files in %s (%s)', others.total(), folder, listed)
    return wanted


def visible_folders(folder: str) -> Iterator[tuple[str, list[str]]]:
    """A folder and all below it, each with the names of its files; links are followed, but no
    folder comes twice, and what begins with a dot is passed over.

    Raises:
        UserError: A folder cannot be looked into.
    """

    def stop(error: OSError) -> None:
        raise UserError(f'cannot look into the folder {error.filename}: {error.strerror}')

    seen = set()
    for where, folders, files in os.walk(folder, followlinks=True, onerror=stop):
        real = os.path.realpath(where)
        if real in seen:  # a link back up
            folders.clear()
            continue
        seen.add(real)
        folders[:] = sorted(name for name in folders if not name.startswith('.'))
        yield where, [name for name in files if not name.startswith('.')]
