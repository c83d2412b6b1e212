"""Detections drawn into pictures: boxes with the class and the score."""

import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from PIL import Image, ImageDraw, ImageFont

from dynp_plugins.atomic_files import atomic_path
from dynp_plugins.errors import UserError

_KEPT_FORMATS = ('.jpeg', '.jpg', '.png')
_SMALL = 640  # pixels of the longer side
_JPEG_QUALITY = 95

Rectangle = tuple[float, float, float, float]
"""Left, top, right and bottom in pixels."""


def draw_detections(picture: Image.Image, answer: Mapping[str, Any]) -> Image.Image:
    """The picture with a box for each detection, the surest on top.

    Small pictures are enlarged by a whole number, so that names can be read in them.

    Args:
        picture: In RGB and upright.
        answer: Of a `DetectionInferencer`.
    """
    factor = max(1, _SMALL // max(picture.size))
    drawn = picture.resize((picture.width * factor, picture.height * factor), Image.NEAREST)
    draw = ImageDraw.Draw(drawn)
    size = min(max(min(drawn.size) // 32, 13), 40)
    font, width = ImageFont.truetype(_font_file(), size), max(2, size // 6)
    boxes = [tuple(float(side) * factor for side in box) for box in answer['bboxes']]
    colours = [_colour(int(label)) for label in answer['labels']]
    for box, colour in reversed(list(zip(boxes, colours, strict=True))):
        draw.rectangle(box, outline=colour, width=width)
    taken: list[Rectangle] = []
    texts = zip(detection_names(answer), answer['scores'], boxes, colours, strict=True)
    for name, score, box, colour in texts:
        text = f'{name} {100 * score:.0f} %'
        left, top, right, bottom = draw.textbbox((0, 0), text, font=font)
        label = (right - left + 6, bottom - top + 6)
        place = _place(box, label, drawn.size, taken)
        taken.append(place)
        draw.rectangle(place, fill=colour)
        draw.text((place[0] + 3 - left, place[1] + 3 - top), text, _readable_on(colour), font)
    return drawn


def detection_names(answer: Mapping[str, Any]) -> list[str]:
    """What the detections of an answer are, in words; numbers of classes without a name."""
    names = answer['class_names']
    return [f'class {label}' for label in answer['labels']] if names is None else list(names)


def drawing_paths(folder: str | Path, pictures: Sequence[str]) -> list[Path]:
    """Where each picture is to be drawn: as below the folder that all of them share.

    What is neither JPEG nor PNG becomes PNG.

    Args:
        folder: Where they are to be.
        pictures: Their files.

    Raises:
        UserError: One would be drawn into itself, or two into one file.
    """
    whole = [os.path.abspath(picture) for picture in pictures]
    shared = os.path.commonpath([os.path.dirname(picture) for picture in whole]) if whole else ''
    paths = []
    for picture in whole:
        kept = picture.lower().endswith(_KEPT_FORMATS)
        paths.append(Path(folder, os.path.relpath(picture, shared) + ('' if kept else '.png')))
    drawn_from: dict[str, str] = {}
    for picture, path in zip(whole, map(os.path.abspath, paths), strict=True):
        if os.path.realpath(path) in map(os.path.realpath, whole):
            raise UserError(f'drawing into {folder} would replace {path}; choose another folder')
        if drawn_from.setdefault(path, picture) != picture:
            raise UserError(
                f'{picture} and {drawn_from[path]} would both be drawn as {path}: draw them into '
                'different folders'
            )
    return paths


def save_drawing(image: Image.Image, path: Path) -> None:
    """Write a picture to a ``.jpg`` or ``.png`` file, which appears whole or not at all."""
    path.parent.mkdir(parents=True, exist_ok=True)
    form = 'PNG' if path.suffix.lower() == '.png' else 'JPEG'
    with atomic_path(path) as temporary:
        image.save(temporary, form, quality=_JPEG_QUALITY)


def _place(
    box: Rectangle, label: tuple[int, int], size: tuple[int, int], taken: Sequence[Rectangle]
) -> Rectangle:
    """Where a box's label goes: above it, inside, below, or right of it, whatever is still free.

    Args:
        box: The box.
        label: Width and height of the label.
        size: Of the picture; the label stays in it.
        taken: Where other labels are.
    """
    width, height = label
    left, top, right, bottom = box
    wishes = [
        (left, top - height),
        (left, top),
        (left, bottom),
        (left, bottom - height),
        (right - width, top),
        (right, top),
    ]
    places = []
    for x, y in wishes:
        x = min(max(x, 0), max(size[0] - width - 1, 0))
        y = min(max(y, 0), max(size[1] - height - 1, 0))
        places.append((x, y, x + width, y + height))
    return next(
        (place for place in places if not any(_overlap(place, other) for other in taken)),
        places[0],
    )


def _overlap(a: Rectangle, b: Rectangle) -> bool:
    return a[0] < b[2] and b[0] < a[2] and a[1] < b[3] and b[1] < a[3]


def _colour(label: int) -> tuple[int, int, int]:
    """A class's colour; they repeat after twenty."""
    from matplotlib import colormaps  # slow to import, and only drawing needs it

    palette = colormaps['tab20'].colors
    strong_first = [*palette[::2], *palette[1::2]]
    return tuple(round(255 * part) for part in strong_first[label % len(palette)])


def _readable_on(colour: tuple[int, int, int]) -> str:
    red, green, blue = colour
    return 'black' if 0.299 * red + 0.587 * green + 0.114 * blue > 140 else 'white'


def _font_file() -> str:
    """A font that comes with matplotlib, so that it is there everywhere."""
    import matplotlib

    return os.path.join(matplotlib.get_data_path(), 'fonts', 'ttf', 'DejaVuSans-Bold.ttf')
