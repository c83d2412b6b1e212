"""Looking at a picture file with Pillow: what is wrong with it, and how large it is."""

import os

from PIL import Image, UnidentifiedImageError

from dynp_plugins.errors import UserError

_EXIF_ORIENTATION = 0x0112
_LYING = (5, 6, 7, 8)  # turned by a quarter


def check_depth(image: Image.Image) -> None:
    """Refuse a picture that Pillow would clip to white when it is converted to RGB.

    Raises:
        UserError: It has 16 bits a channel or more.
    """
    if image.mode.startswith(('I', 'F')):  # I;16 and its byte orders, 32-bit integers and floats
        raise UserError(f'16-bit or deeper (Pillow mode {image.mode}); convert to 8 bit')


def picture_problem(path: str, decode: bool = True) -> str | None:
    """What is wrong with a picture, to be read after its name; None if nothing is.

    Args:
        path: The file.
        decode: Decode all of it; otherwise only its header is read.
    """
    if not os.path.exists(path):
        return 'does not exist'
    try:
        with Image.open(path) as image:
            check_depth(image)
            if decode:
                image.load()
    except UserError as error:
        return str(error)
    except UnidentifiedImageError:
        return 'not a picture in a known format'
    except Exception as error:  # decoders raise whatever they like on damaged input
        return f'{type(error).__name__}: {error}'
    return None


def picture_sizes(path: str) -> tuple[tuple[int, int], tuple[int, int]]:
    """Width and height as the pixels are stored, and as the EXIF entry turns them; header only."""
    with Image.open(path) as image:
        stored = image.size
        turned = image.getexif().get(_EXIF_ORIENTATION) in _LYING
    return stored, stored[::-1] if turned else stored
