"""Small pictures of test samples by the exit where they left, from easy to hard."""

import base64
import io
from collections.abc import Sequence

import numpy as np
import torch
from PIL import Image
from torch import nn
from torch.utils.data import Dataset

from dynp_plugins.early_exit import ExitPolicy, ExitTable
from dynp_plugins.errors import UserError

from .curve import chosen_exits
from .curve_records import Gallery, GalleryPicture
from .provenance import picture_digest

PER_EXIT = 8
SIDE = 96
"""Longest side of a small picture, in pixels."""

FRAMES = 4
"""Of a video, side by side in a strip."""

HEIGHT, GAP = 64, 2
"""Of a strip, and between its frames, in pixels."""


def make_gallery(
    table: ExitTable,
    policies: Sequence[ExitPolicy],
    dataset: Dataset,
    preprocessor: nn.Module,
    frames_per_clip: int = 1,
) -> Gallery | None:
    """Pick test samples and make small pictures of them; of a video, a strip of its frames.

    The budget is the one at which the calibration samples spread most evenly over the exits. Of
    those who left at an exit, samples at even steps of rank are taken, from the surest to the least
    sure; whether they were right has no say.

    Args:
        table: The exit table of the test split.
        policies: Of the curve.
        dataset: The test split; sample i is row i of the table.
        preprocessor: Of the classifier, which knows the order of the channels.
        frames_per_clip: How many frames of a video the network sees together. A strip shows the
            first so many, which is one view; with 1 the views cannot be told apart, and the strip
            is taken from all frames.

    Returns:
        None where the data set does not hand out 8-bit pictures with three channels, or videos of
        such.

    Raises:
        UserError: The data set's samples are not those that the table was made from.
    """
    policy = max(policies, key=_evenness)
    confidence = table.confidence(policy.measure)
    exits = chosen_exits(table, policy)
    names = dataset.metainfo.get('classes')
    pictures = []
    for k, exit in enumerate(policy.exit_names):
        rows = np.flatnonzero(exits == k)
        rows = rows[np.argsort(-confidence[rows, k], kind='stable')]
        steps = np.linspace(0, len(rows) - 1, min(PER_EXIT, len(rows))).round().astype(int)
        for i in rows[steps]:
            pixels = dataset[int(i)]['inputs']
            if not _is_shown(pixels):
                return None
            if picture_digest(pixels.numpy()) != table.picture[i].tobytes():
                raise UserError(
                    f'{"picture" if pixels.ndim == 3 else "video"} {i} of the test split is not '
                    'the one that the exit table was made from: the data have changed since; '
                    'leave out --reuse-tables'
                )
            shown = _shown_frames(pixels, frames_per_clip)
            predicted, label = int(table.prediction[i, k]), int(table.label[i])
            pictures.append(
                GalleryPicture(
                    exit=exit,
                    index=int(i),
                    source=str(table.source[i]),
                    label=_class_name(names, label),
                    prediction=_class_name(names, predicted),
                    right=predicted == label,
                    confidence=float(confidence[i, k]),
                    frames=len(shown),
                    image=_data_url(shown, bgr=getattr(preprocessor, 'to_rgb', False)),
                )
            )
    return Gallery(policy.settings['budget_gmacs'], pictures)


def _evenness(policy: ExitPolicy) -> float:
    """Entropy of the shares of the calibration split that leave at each exit."""
    shares = np.array(list(policy.expected.exit_shares.values()))
    return float(-(shares * np.log(np.maximum(shares, 1e-12))).sum())


def _is_shown(pixels: object) -> bool:
    """Whether these are bytes of an image, (3, H, W), or of a video, (M, 3, H, W)."""
    return (
        isinstance(pixels, torch.Tensor)
        and pixels.dtype == torch.uint8
        and pixels.ndim in (3, 4)
        and pixels.shape[-3] == 3
    )


def _shown_frames(pixels: torch.Tensor, frames_per_clip: int) -> torch.Tensor:
    """(frames, 3, H, W): the image, or evenly spaced frames of the video's first view."""
    if pixels.ndim == 3:
        return pixels[None]
    view = pixels[:frames_per_clip] if frames_per_clip > 1 else pixels
    steps = np.linspace(0, len(view) - 1, min(FRAMES, len(view))).round().astype(int)
    return view[steps.tolist()]


def _class_name(names: Sequence[str] | None, number: int) -> str:
    return str(names[number]) if names and number < len(names) else str(number)


def _data_url(frames: torch.Tensor, bgr: bool) -> str:
    """A small JPEG of (frames, 3, H, W) bytes, the frames from left to right."""
    pixels = (frames.flip(1) if bgr else frames).permute(0, 2, 3, 1).contiguous().numpy()
    pictures = [Image.fromarray(one) for one in pixels]
    if len(pictures) == 1:
        (picture,) = pictures
        picture.thumbnail((SIDE, SIDE))
    else:
        picture = _strip(pictures)
    buffer = io.BytesIO()
    picture.save(buffer, 'JPEG', quality=85)
    return 'data:image/jpeg;base64,' + base64.b64encode(buffer.getvalue()).decode('ascii')


def _strip(pictures: Sequence[Image.Image]) -> Image.Image:
    """Frames of one size side by side, with a gap between them."""
    for one in pictures:
        one.thumbnail((2 * HEIGHT, HEIGHT))
    width, height = pictures[0].size
    strip = Image.new('RGB', (len(pictures) * (width + GAP) - GAP, height), 'white')
    for i, one in enumerate(pictures):
        strip.paste(one, (i * (width + GAP), 0))
    return strip
