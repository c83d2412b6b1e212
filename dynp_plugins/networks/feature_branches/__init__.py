"""The CNNs a Dyn-Perceiver can be built on, by name.

A new family is one file with a builder, and one line here.
"""

import math

from ...errors import UserError
from .branch import FeatureBranch
from .mobilenetv3 import MOBILENETV3_WIDTHS, mobilenetv3
from .regnet import REGNETY_ARCHS, regnety
from .resnet import RESNET_ARCHS, RESNET_WIDTHS, resnet

# By arch: what builds it, and its published widths.
_FAMILIES = {
    **dict.fromkeys(REGNETY_ARCHS, (regnety, (1.0,))),
    **dict.fromkeys(RESNET_ARCHS, (resnet, RESNET_WIDTHS)),
    'mobilenetv3': (mobilenetv3, MOBILENETV3_WIDTHS),
}


def list_feature_branches() -> list[str]:
    """Names `build_feature_branch` knows."""
    return list(_FAMILIES)


def list_widths(arch: str) -> tuple[float, ...]:
    """The published widths of ``arch``."""
    return _FAMILIES[arch][1]


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
    if arch not in _FAMILIES:
        raise UserError(f'unknown arch {arch!r}; choose one of {", ".join(_FAMILIES)}')
    if not isinstance(width, int | float) or not 0 < width < math.inf:
        raise UserError(f'width={width!r}: give a positive number, such as 0.75')
    build, _ = _FAMILIES[arch]
    return build(arch, width=width, drop_path_rate=drop_path_rate)


__all__ = ['FeatureBranch', 'build_feature_branch', 'list_feature_branches', 'list_widths']
