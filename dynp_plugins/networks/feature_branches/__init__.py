"""The CNNs a Dyn-Perceiver can be built on, by name.

A new family is one file with a builder, and one line here.
"""

from ...errors import UserError
from .branch import FeatureBranch
from .regnet import REGNETY_ARCHS, regnety

_BUILDERS = dict.fromkeys(REGNETY_ARCHS, regnety)


def list_feature_branches() -> list[str]:
    """Names `build_feature_branch` knows."""
    return list(_BUILDERS)


def build_feature_branch(arch: str) -> FeatureBranch:
    """Build a feature branch with fresh weights.

    Raises:
        UserError: Unknown name.
    """
    if arch not in _BUILDERS:
        raise UserError(f'unknown arch {arch!r}; choose one of {", ".join(_BUILDERS)}')
    return _BUILDERS[arch](arch)


__all__ = ['FeatureBranch', 'build_feature_branch', 'list_feature_branches']
