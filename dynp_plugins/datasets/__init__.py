"""The embedded default data, made on first use and kept in a cache; data files read and checked.

Nothing in this package imports an OpenMMLab package; dataset classes are built on top of it.
"""

from dynp_plugins.datasets.digit_images import DigitImages, load_digit_images
from dynp_plugins.datasets.digit_scans import SPLITS
from dynp_plugins.datasets.digit_scenes import DigitScenes, load_digit_scenes
from dynp_plugins.datasets.motion_clips import MotionClips, load_motion_clips

__all__ = [
    'SPLITS',
    'DigitImages',
    'DigitScenes',
    'MotionClips',
    'load_digit_images',
    'load_digit_scenes',
    'load_motion_clips',
]
