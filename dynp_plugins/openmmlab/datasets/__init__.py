"""Dataset classes for OpenMMLab configs."""

from .embedded_digits import EmbeddedDigits
from .held_out import HeldOut
from .image_files import ImageFiles

__all__ = ['EmbeddedDigits', 'HeldOut', 'ImageFiles']
