"""The number type in which the stand-in ops compute."""

import torch
from torch import Tensor


def compute_type(*tensors: Tensor) -> torch.dtype:
    """Return the widest type of the tensors, and float32 at the least.

    torchvision lacks some half-precision kernels, and sums in half precision would lose accuracy.
    """
    dtype = torch.float32
    for tensor in tensors:
        dtype = torch.promote_types(dtype, tensor.dtype)
    return dtype
