"""One hash for a set of weights, so that numbers and thresholds can say whose they are."""

import hashlib
from collections.abc import Mapping

import torch
from torch import Tensor


def weights_sha256(state_dict: Mapping[str, Tensor]) -> str:
    """Hash over the names, types, shapes and values of all tensors, in the order of the names.

    Bring the names into one form first, with `loading.to_classifier_keys`, so that the same weights
    have the same hash whichever way they were saved.
    """
    digest = hashlib.sha256()
    for name, tensor in sorted(state_dict.items()):
        digest.update(f'{name}:{tensor.dtype}:{tuple(tensor.shape)}'.encode())
        array = tensor.detach().cpu().contiguous().flatten().view(torch.uint8)
        digest.update(array.numpy().tobytes())
    return digest.hexdigest()
