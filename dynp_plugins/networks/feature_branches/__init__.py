"""The CNNs a Dyn-Perceiver can be built on, by name.

A new family is one file with a builder, and one line here.
"""

import math

from ...errors import UserError
from .branch import FeatureBranch
from .mobilenetv3 import mobilenetv3
from .regnet import REGNETY_ARCHS, regnety
from .resnet import RESNET_ARCHS, resnet

_BUILDERS = {
    **dict.fromkeys(REGNETY_ARCHS, regnety),
    **dict.fromkeys(RESNET_ARCHS, resnet),
    'mobilenetv3': mobilenetv3,
}


def list_feature_branches() -> list[str]:
    """Names `build_feature_branch` knows."""
    return list(_BUILDERS)


def build_feature_branch(
    arch: str, width: float = 1.0, drop_path_rate: float = 0.0
) -> FeatureBranch:
    """Build a feature branch with fresh weights.

    Args:
        arch: One of `list_feature_branches`.
        width: Multiplies the channels of a family that has widths.
        drop_path_rate: Stochastic depth of a family that has it.

    Raises:
        UserError: Unknown name, or a setting that the family does not have.
    """
    if arch not in _BUILDERS:
        raise UserError(f'unknown arch {arch!r}; choose one of {", ".join(_BUILDERS)}')
    if not isinstance(width, int | float) or not 0 < width < math.inf:
        raise UserError(f'width={width!r}: give a positive number, such as 0.75')
    return _BUILDERS[arch](arch, width=width, drop_path_rate=drop_path_rate)


__all__ = ['FeatureBranch', 'build_feature_branch', 'list_feature_branches']
