"""Pictures read by a record, without OpenMMLab."""

from pathlib import Path

import numpy as np
from PIL import Image, ImageOps

from ...errors import UserError
from ..image_reading import check_file_depth, read_rgb
from ..sample_kinds import Sample
from .geometry import opencv
from .records import PictureReading


def read_picture(picture: Sample, record: PictureReading) -> np.ndarray:
    """Pixels (H, W, 3), or (H, W) of a grey one.

    Raises:
        UserError: The file has 16 bits a channel or more, cannot be decoded, or OpenCV is missing.
        Exception: Whatever a decoder raises on a damaged file.
    """
    if isinstance(picture, str) and record.decoder == 'cv2':
        pixels = decode_bgr(picture)
        return pixels.astype(np.float32) if record.float32 else pixels
    image = _on_canvas(picture, record.canvas) if record.canvas else None
    image = image or read_rgb(picture)
    pixels = np.array(image.convert('L') if record.grey else image)
    if record.bgr and not record.grey:
        pixels = pixels[..., ::-1].copy()
    return pixels.astype(np.float32) if record.float32 else pixels


def decode_bgr(path: str) -> np.ndarray:
    """The pixels (H, W, 3) of a file as OpenCV reads them, upright and in BGR order.

    Raises:
        UserError: See `read_picture`.
        Exception: Whatever Pillow says of a file that OpenCV cannot decode.
    """
    cv2 = opencv()
    check_file_depth(path)
    pixels = cv2.imdecode(np.frombuffer(Path(path).read_bytes(), np.uint8), cv2.IMREAD_COLOR)
    if pixels is None:
        read_rgb(path)  # says more of what is wrong
        raise UserError('OpenCV cannot decode this file')
    return pixels


def _on_canvas(picture: Sample, colour: list[int]) -> Image.Image | None:
    """A grey file with transparency on a colour; None for any other picture."""
    if not isinstance(picture, str):
        return None
    check_file_depth(picture)
    with Image.open(picture) as image:
        if image.mode != 'LA':
            return None
        upright = ImageOps.exif_transpose(image).convert('RGBA')
    canvas = Image.new('RGB', upright.size, tuple(colour))
    canvas.paste(upright, mask=upright.getchannel('A'))
    return canvas
