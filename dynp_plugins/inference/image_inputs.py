"""What may be given as pictures: paths, folders, arrays, Pillow images, and lists of them."""

import logging
import os
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from ..errors import UserError

Picture = str | np.ndarray | Image.Image
"""A path, an array (H, W, 3) of uint8 in BGR order, or a Pillow image."""

PICTURE_SUFFIXES = ('.bmp', '.jpeg', '.jpg', '.pgm', '.png', '.ppm', '.tif', '.tiff', '.webp')
"""The files of a folder that count as pictures; in any case."""

_MAX_LISTED = 5
_logger = logging.getLogger(__name__)


def list_pictures(inputs: Any) -> list[Picture]:
    """The single pictures of what was given, in order; no file is read yet.

    Args:
        inputs: A path, a folder, an array, a Pillow image, or a list or tuple of these. A folder
            stands for all pictures in it and in its sub-folders, sorted by path; files and folders
            whose names start with a dot are passed over.

    Raises:
        UserError: A path given alone does not exist (in a list, it is left for the reader to
            report); a folder holds no picture; an array is no BGR picture of bytes; anything else.
    """
    if isinstance(inputs, list | tuple):
        return [picture for entry in inputs for picture in _expand(entry)]
    if isinstance(inputs, str | os.PathLike) and not os.path.exists(inputs):
        raise UserError(f'there is no picture or folder {inputs}')
    return _expand(inputs)


def _expand(entry: Any) -> list[Picture]:
    """One entry of the inputs as single pictures."""
    if isinstance(entry, str | os.PathLike):
        path = os.fspath(entry)
        return _pictures_below(path) if os.path.isdir(path) else [path]
    if isinstance(entry, np.ndarray):
        if entry.ndim != 3 or entry.shape[2] != 3 or entry.dtype != np.uint8 or not entry.size:
            raise UserError(
                'an array must be a picture (height, width, 3) of uint8 in BGR order, as OpenCV '
                f'reads it, not {entry.shape} of {entry.dtype}'
            )
        return [entry]
    if isinstance(entry, Image.Image):
        return [entry]
    raise UserError(
        'a picture is given as a path, an array or a Pillow image, or a folder or list of them, '
        f'not as a {type(entry).__name__}'
    )


def _pictures_below(folder: str) -> list[str]:
    files = sorted(_visible_files(folder))
    pictures = [path for path in files if path.lower().endswith(PICTURE_SUFFIXES)]
    others = Counter(
        Path(path).suffix.lower() or 'without a suffix'
        for path in files
        if not path.lower().endswith(PICTURE_SUFFIXES)
    )
    if not pictures:
        raise UserError(
            f'there is no picture in the folder {folder}; looked for files ending in '
            + ', '.join(PICTURE_SUFFIXES)
        )
    if others:
        listed = ', '.join(f'{n} {suffix}' for suffix, n in others.most_common(_MAX_LISTED))
        _logger.info('left out %d other files in %s (%s)', others.total(), folder, listed)
    return pictures


def _visible_files(folder: str) -> Iterator[str]:
    """All files below a folder, links followed, each folder once."""

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
        yield from (os.path.join(where, name) for name in files if not name.startswith('.'))
