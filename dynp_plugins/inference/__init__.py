"""Using a trained network: pictures in, labels and what they cost out."""

from .inferencer import DynamicInferencer

__all__ = ['DynamicInferencer']
