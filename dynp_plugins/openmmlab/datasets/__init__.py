"""Dataset classes and pipeline transforms for OpenMMLab configs."""

from . import detection
from .embedded_clips import EmbeddedClips
from .embedded_digits import EmbeddedDigits
from .frame_folders import FrameFolders
from .held_out import HeldOut
from .image_files import ImageFiles
from .video_files import VideoFiles
from .video_transforms import DecodeVideo, OpenVideo, ShuffleFrames

__all__ = [
    'DecodeVideo',
    'EmbeddedClips',
    'EmbeddedDigits',
    'FrameFolders',
    'HeldOut',
    'ImageFiles',
    'OpenVideo',
    'ShuffleFrames',
    'VideoFiles',
    'detection',
]
