"""Reading single pictures with Pillow, and telling which ones cannot be trusted."""

import numpy as np
from PIL import Image, ImageOps, UnidentifiedImageError

from ..datasets.picture_files import check_depth
from ..errors import UserError
from .sample_kinds import Sample


def read_rgb(picture: Sample) -> Image.Image:
    """A picture in RGB, turned upright as its EXIF entry says; transparency is dropped.

    Raises:
        UserError: It has 16 bits a channel or more, which Pillow would clip.
        Exception: Whatever a decoder raises on a damaged file.
    """
    if isinstance(picture, np.ndarray):
        return Image.fromarray(np.ascontiguousarray(picture[..., ::-1]))
    if isinstance(picture, Image.Image):
        return _upright_rgb(picture)
    with Image.open(picture) as image:
        return _upright_rgb(image)


def check_file_depth(path: str) -> None:
    """Refuse a file of 16 or more bits a channel; a format unknown to Pillow passes.

    Raises:
        UserError: It is that deep.
        OSError: The file cannot be opened.
    """
    try:
        with Image.open(path) as image:  # reads the header only
            check_depth(image)
    except UnidentifiedImageError:
        return


def why(error: Exception) -> str:
    """What an error raised by one picture means, in a line."""
    if isinstance(error, UserError):
        text = str(error)
    elif isinstance(error, FileNotFoundError):
        text = 'does not exist'
    elif isinstance(error, UnidentifiedImageError):
        text = 'not a picture in a known format'
    elif isinstance(error, OSError):
        text = error.strerror or str(error)
    else:
        text = f'{type(error).__name__}: {error}'
    return ' '.join(text.split())


def _upright_rgb(image: Image.Image) -> Image.Image:
    check_depth(image)
    return ImageOps.exif_transpose(image).convert('RGB')
