"""Groups of images that are one sample, such as the frames of a video: folded in, and averaged."""

from typing import Any

import torch
from torch import Tensor

from ..errors import UserError


def fold_frames(samples: Tensor) -> tuple[Tensor, int]:
    """Samples as the images that a network takes.

    Args:
        samples: Pictures (B, 3, H, W), or videos (B, M, 3, H, W) of M frames each.

    Returns:
        Images (B, 3, H, W) or (B * M, 3, H, W), the frames of a video one behind the other, and
        how many of them are one sample.

    Raises:
        UserError: They are neither.
    """
    if samples.ndim == 4:
        return samples, 1
    if samples.ndim != 5:
        raise UserError(
            'samples must be pictures (B, 3, H, W) or videos (B, frames, 3, H, W), not '
            f'{tuple(samples.shape)}'
        )
    return samples.flatten(0, 1), samples.shape[1]


def group_consensus(logits: Tensor, group_size: int) -> Tensor:
    """Logits of groups: the mean over their images (TSN, arXiv 1608.00859, section 3.1).

    Args:
        logits: (B, classes), the images of a group one behind the other.
        group_size: Images per group; with 1 the logits are handed back as they are.

    Returns:
        (B / group_size, classes); float64 where the logits are, otherwise float32.
    """
    if group_size == 1:
        return logits
    exact = logits if logits.dtype == torch.float64 else logits.float()
    return exact.unflatten(0, (-1, group_size)).mean(1)


def check_group_size(group_size: Any, num_segments: int = 1) -> None:
    """Refuse what is no number of images.

    Args:
        group_size: Images per sample.
        num_segments: Images that the network sees together; a sample holds all of them.

    Raises:
        UserError: It is no whole number of at least 1, or no multiple of the frames of a clip.
    """
    if not isinstance(group_size, int) or isinstance(group_size, bool) or group_size < 1:
        raise UserError(f'group_size={group_size!r}: give a whole number of at least 1')
    if group_size % num_segments:
        raise UserError(
            f'group_size={group_size}: the network sees the {num_segments} frames of a clip '
            f'together, so that a sample is {num_segments} images or a multiple of that'
        )
