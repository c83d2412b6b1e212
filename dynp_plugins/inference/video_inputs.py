"""What may be given as videos: files, folders of frames, arrays, and folders and lists of them."""

import os
import re
from typing import Any

import numpy as np
from PIL import Image

from ..datasets.frame_names import frame_name_pattern
from ..errors import UserError
from .sample_kinds import (
    PICTURE_SUFFIXES,
    VIDEO_SUFFIXES,
    SampleKind,
    files_in_folder,
    visible_folders,
)

_PICTURE_FORMATS = ('BMP', 'JPEG', 'PNG', 'PPM', 'TIFF', 'WEBP')


def frame_folders(filename_tmpl: str) -> SampleKind:
    """Videos that are folders of numbered pictures, and arrays.

    Args:
        filename_tmpl: Names of the frames, such as ``img_{:05}.jpg``.
    """

    def in_folder(folder: str) -> list[str]:
        found = [where for where, names in visible_folders(folder) if frames_of(names)]
        if not found:
            raise UserError(
                f'there is no video in the folder {folder}; the test data of the config are '
                f'folders of frames, so looked for files named {filename_tmpl}'
            )
        return sorted(found)

    def frames_of(names: list[str]) -> bool:
        return any(pattern.fullmatch(name) for name in names)

    def check_path(path: str) -> None:
        raise UserError(
            'this is a file, but the test data of the config are folders of frames named '
            f'{filename_tmpl}: give such a folder'
        )

    pattern = frame_pattern(filename_tmpl)
    return SampleKind('video', 'video', in_folder, _check_memory, check_path, filename_tmpl)


def frame_pattern(filename_tmpl: str) -> re.Pattern[str]:
    """Matches the names of frames; group 1 is the number.

    Raises:
        UserError: The template has no place for a number, or several.
    """
    pattern = frame_name_pattern(filename_tmpl)
    if pattern is None:
        raise UserError(
            f'filename_tmpl={filename_tmpl!r} has no one place for the number of a frame: write it '
            'as in img_{:05}.jpg'
        )
    return pattern


def count_frames(folder: str, filename_tmpl: str, first: int) -> int:
    """The frames in a folder, of which none is missing.

    Args:
        folder: The folder.
        filename_tmpl: Names of the frames, such as ``img_{:05}.jpg``.
        first: Number of the first.

    Raises:
        UserError: There is none, or one is missing.
    """
    names = map(frame_pattern(filename_tmpl).fullmatch, os.listdir(folder))
    found = {int(match[1]) for match in names if match}
    count = max(found, default=-1) + 1 - first
    missing = next((k for k in range(first, first + count) if k not in found), None)
    if missing is not None or count < 1:
        name = filename_tmpl.format(first if missing is None else missing)
        raise UserError(f'the frame {name} is missing; frames are numbered from {first} on')
    return count


def _check_memory(given: Any) -> None:
    if isinstance(given, np.ndarray):
        if given.ndim != 4 or given.shape[3] != 3 or given.dtype != np.uint8 or not given.size:
            picture = '; this network takes videos, no pictures' if given.ndim == 3 else ''
            raise UserError(
                'an array must be a video (frames, height, width, 3) of uint8 in BGR order, as '
                f'OpenCV reads it, not {given.shape} of {given.dtype}{picture}'
            )
    elif isinstance(given, Image.Image):
        raise UserError('this network takes videos, but was given a picture (a Pillow image)')
    else:
        raise UserError(
            'a video is given as a path or an array, or a folder or list of them, not as a '
            f'{type(given).__name__}'
        )


def _check_path(path: str) -> None:
    if _is_picture(path):
        raise UserError('this is a picture, but the network takes videos')


def _is_picture(path: str) -> bool:
    """Whether a file is one still picture, by its content or, where that is damaged, its name."""
    try:
        with Image.open(path, formats=_PICTURE_FORMATS) as image:  # reads the header only
            return not getattr(image, 'is_animated', False)
    except Exception:  # decoders raise whatever they like on damaged input
        return path.lower().endswith(PICTURE_SUFFIXES)


VIDEOS = SampleKind(
    name='video',
    column='video',
    in_folder=lambda folder: files_in_folder(folder, VIDEO_SUFFIXES, 'video'),
    check_memory=_check_memory,
    check_path=_check_path,
)
"""Videos: a file, or an array (frames, H, W, 3) of uint8 in BGR order."""
