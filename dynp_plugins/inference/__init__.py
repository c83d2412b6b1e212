"""Using a trained network: pictures or videos in, labels and what they cost out."""

from .inferencer import DynamicInferencer

__all__ = ['DynamicInferencer']
