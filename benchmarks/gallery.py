"""Small pictures of test images by the exit where they left, from easy to hard."""

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


def make_gallery(
    table: ExitTable, policies: Sequence[ExitPolicy], dataset: Dataset, preprocessor: nn.Module
) -> Gallery | None:
    """Pick test images and make small pictures of them.

    The budget is the one at which the calibration images spread most evenly over the exits. Of
    those who left at an exit, images at even steps of rank are taken, from the surest to the least
    sure; whether they were right has no say.

    Args:
        table: The exit table of the test split.
        policies: Of the curve.
        dataset: The test split; sample i is row i of the table.
        preprocessor: Of the classifier, which knows the order of the channels.

    Returns:
        None where the data set does not hand out 8-bit pictures with three channels.

    Raises:
        UserError: The data set's pictures are not those that the table was made from.
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
            image = dataset[int(i)]['inputs']
            if not _is_picture(image):
                return None
            if picture_digest(image.numpy()) != table.picture[i].tobytes():
                raise UserError(
                    f'picture {i} of the test split is not the one that the exit table was made '
                    'from: the data have changed since; leave out --reuse-tables'
                )
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
                    image=_data_url(image, bgr=getattr(preprocessor, 'to_rgb', False)),
                )
            )
    return Gallery(policy.settings['budget_gmacs'], pictures)


def _evenness(policy: ExitPolicy) -> float:
    """Entropy of the shares of the calibration split that leave at each exit."""
    shares = np.array(list(policy.expected.exit_shares.values()))
    return float(-(shares * np.log(np.maximum(shares, 1e-12))).sum())


def _is_picture(image: object) -> bool:
    return (
        isinstance(image, torch.Tensor)
        and image.dtype == torch.uint8
        and image.ndim == 3
        and len(image) == 3
    )


def _class_name(names: Sequence[str] | None, number: int) -> str:
    return str(names[number]) if names and number < len(names) else str(number)


def _data_url(image: torch.Tensor, bgr: bool) -> str:
    """A small JPEG of (3, H, W) bytes."""
    pixels = image.flip(0) if bgr else image
    picture = Image.fromarray(pixels.permute(1, 2, 0).contiguous().numpy())
    picture.thumbnail((SIDE, SIDE))
    buffer = io.BytesIO()
    picture.save(buffer, 'JPEG', quality=85)
    return 'data:image/jpeg;base64,' + base64.b64encode(buffer.getvalue()).decode('ascii')
