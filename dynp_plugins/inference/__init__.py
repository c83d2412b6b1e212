"""Using a trained network: pictures or videos in, labels or boxes and what they cost out."""

from .detection import DetectionInferencer
from .inferencer import DynamicInferencer

__all__ = ['DetectionInferencer', 'DynamicInferencer']
