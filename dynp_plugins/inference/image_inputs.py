"""What may be given as pictures: paths, folders, arrays, Pillow images, and lists of them."""

from typing import Any

import numpy as np
from PIL import Image

from ..errors import UserError
from .sample_kinds import PICTURE_SUFFIXES, VIDEO_SUFFIXES, SampleKind, files_in_folder


def _check_memory(given: Any) -> None:
    if isinstance(given, np.ndarray):
        if given.ndim != 3 or given.shape[2] != 3 or given.dtype != np.uint8 or not given.size:
            video = '; this network takes pictures, no videos' if given.ndim == 4 else ''
            raise UserError(
                'an array must be a picture (height, width, 3) of uint8 in BGR order, as OpenCV '
                f'reads it, not {given.shape} of {given.dtype}{video}'
            )
    elif not isinstance(given, Image.Image):
        raise UserError(
            'a picture is given as a path, an array or a Pillow image, or a folder or list of '
            f'them, not as a {type(given).__name__}'
        )


def _check_path(path: str) -> None:
    if path.lower().endswith(VIDEO_SUFFIXES):
        raise UserError('this is a video, but the network takes pictures')


PICTURES = SampleKind(
    name='picture',
    column='image',
    in_folder=lambda folder: files_in_folder(folder, PICTURE_SUFFIXES, 'picture'),
    check_memory=_check_memory,
    check_path=_check_path,
)
"""Pictures: a path, an array (H, W, 3) of uint8 in BGR order, or a Pillow image."""
