"""Making samples ready as data: what a test pipeline does, run without OpenMMLab."""

from .records import Preprocessing
from .runners import PlainPreprocessing

__all__ = ['PlainPreprocessing', 'Preprocessing']
