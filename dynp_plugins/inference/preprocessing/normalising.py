"""From a batch of pixels to what a network takes."""

from collections.abc import Callable

import torch
from torch import Tensor
from torch.nn import functional

from .records import Normalisation


def normaliser(record: Normalisation, device: torch.device) -> Callable[[Tensor], Tensor]:
    """What turns pixels (..., channels, H, W) into float32 on a device.

    The result equals that of the data preprocessors of mmpretrain and mmaction2, and of
    torchvision's transforms, to the last bit.
    """
    mean, std = (
        None if values is None else torch.tensor(values, device=device).view(-1, 1, 1)
        for values in (record.mean, record.std)
    )

    def normalise(pixels: Tensor) -> Tensor:
        images = pixels.to(device)
        if record.reverse_channels and images.shape[-3] == 3:
            images = images.flip(-3)
        images = images.float()
        if record.divisor is not None:
            images = images / record.divisor
        if mean is not None:
            images = (images - mean) / std
        if record.pad_divisor > 1:
            bottom, right = (-side % record.pad_divisor for side in images.shape[-2:])
            images = functional.pad(images, (0, right, 0, bottom), value=record.pad_value)
        return images

    return normalise
