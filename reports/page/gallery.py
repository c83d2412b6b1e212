"""The gallery: real test samples that left at each exit, from the first exit to the last."""

import re
from dataclasses import dataclass

from benchmarks.curve_records import GalleryPicture
from benchmarks.results import ModelResult

from ..labels import one_line
from .budget import FEW_SAMPLES
from .numbers import number
from .page_panels import PagePanel

_PICTURE = re.compile(r'data:image/(?:png|jpeg);base64,[A-Za-z0-9+/]+={0,2}')


@dataclass(frozen=True)
class Picture:
    """One tile.

    Attributes:
        frames: How many frames of a video are side by side; 1 for an image.
        alt: For those who do not see the picture.
        title: Where it comes from.
    """

    image: str
    frames: int
    label: str
    prediction: str
    right: bool
    confidence: str
    alt: str
    title: str


@dataclass(frozen=True)
class ExitPictures:
    """Those who left at one exit, the surest first.

    Attributes:
        index: Of the exit.
        finding: How many left here and how many of them are right.
    """

    index: int
    exit: str
    finding: str
    pictures: list[Picture]


@dataclass(frozen=True)
class ModelGallery:
    """One model's pictures, at one of its budgets.

    Attributes:
        model: Index in the panel.
    """

    model: int
    target_gmacs: float
    exits: list[ExitPictures]

    @property
    def frames(self) -> int:
        """How many frames a picture has at most; 1 of images."""
        return max(picture.frames for exit in self.exits for picture in exit.pictures)


def galleries(panel: PagePanel, per_exit: int) -> list[ModelGallery]:
    """Of the models that have pictures, at most ``per_exit`` of every exit."""
    if not per_exit:
        return []
    return [
        ModelGallery(
            i,
            model.gallery.target_gmacs,
            [_exit_pictures(model, k, panel.samples, per_exit) for k in range(len(model.exits))],
        )
        for i, model in enumerate(panel.models)
        if model.gallery is not None and any(map(is_picture, model.gallery.pictures))
    ]


def is_picture(picture: GalleryPicture) -> bool:
    """Whether the image can be shown; see `is_embedded`."""
    return is_embedded(picture.image)


def is_embedded(image: str) -> bool:
    """Whether an image is a PNG or JPEG inside the page; anything else is not shown."""
    return _PICTURE.fullmatch(image) is not None


def _exit_pictures(model: ModelResult, k: int, samples: str, per_exit: int) -> ExitPictures:
    exit = model.exits[k].name
    pictures = [p for p in model.gallery.pictures if p.exit == exit and is_picture(p)]
    shown = _spread(pictures, per_exit)
    return ExitPictures(k, exit, _finding(model, exit, samples), [_tile(p) for p in shown])


def _spread(row: list, count: int) -> list:
    """``count`` entries at even steps, the first and the last among them."""
    if count >= len(row):
        return row
    if count == 1:
        return row[:1]
    return [row[round(i * (len(row) - 1) / (count - 1))] for i in range(count)]


def _finding(model: ModelResult, exit: str, samples: str) -> str:
    """Who left here, at the gallery's budget."""
    target = model.gallery.target_gmacs
    point = min(model.points, key=lambda point: abs(point.target_gmacs - target))
    share = 100 * point.exit_shares[exit]
    if not share:
        return f'none of the test {samples} leaves here'
    right, count = number(point.exit_top1_percent.get(exit), 1), share / 100 * model.test.samples
    few = f' (n = {count:.0f})' if round(count) < FEW_SAMPLES else ''
    return f'{share:.1f} % of the test {samples} leave here, {right} % of them right{few}'


def _tile(picture: GalleryPicture) -> Picture:
    label, prediction = (one_line(text, 40) for text in (picture.label, picture.prediction))
    verdict = f'predicted as {prediction}' if picture.right else f'wrongly taken for {prediction}'
    source = f', {one_line(picture.source, 200)}' if picture.source else ''
    frames = f'{picture.frames} frames of a video: ' if picture.frames > 1 else ''
    return Picture(
        image=picture.image,
        frames=picture.frames,
        label=label,
        prediction=prediction,
        right=picture.right,
        confidence=f'{picture.confidence:.2f}',
        alt=f'{frames}{label}, {verdict}, confidence {picture.confidence:.2f}',
        title=f'test sample {picture.index}{source}',
    )
