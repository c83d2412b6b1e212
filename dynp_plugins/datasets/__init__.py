"""The embedded default data: made on first use from what a dependency ships, kept in a cache.

Nothing in this package imports an OpenMMLab package; dataset classes are built on top of it.
"""

from dynp_plugins.datasets.digit_images import DigitImages, load_digit_images
from dynp_plugins.datasets.digit_scans import SPLITS
from dynp_plugins.datasets.motion_clips import MotionClips, load_motion_clips

__all__ = [
    'SPLITS',
    'DigitImages',
    'MotionClips',
    'load_digit_images',
    'load_motion_clips',
]
