"""Checkpoint files: reading them safely, loading them strictly, converting official ones."""

from .conversion import ORIGINS, convert_checkpoint, convert_state_dict
from .loading import check_weights, load_feature_branch, load_weights
from .reading import Checkpoint, load_checkpoint_file, parse_checkpoint, read_checkpoint
from .recognition import feature_branch_of

__all__ = [
    'ORIGINS',
    'Checkpoint',
    'check_weights',
    'convert_checkpoint',
    'convert_state_dict',
    'feature_branch_of',
    'load_checkpoint_file',
    'load_feature_branch',
    'load_weights',
    'parse_checkpoint',
    'read_checkpoint',
]
