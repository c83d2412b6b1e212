"""The networks in plain torch, behind one contract of steps and exits."""

from .contract import ExitBackbone, ExitHeads, MultiExitNetwork, State
from .dyn_perceiver import DynPerceiverBackbone
from .dyn_perceiver_heads import DynPerceiverHeads
from .model_names import build_network, list_models

__all__ = [
    'DynPerceiverBackbone',
    'DynPerceiverHeads',
    'ExitBackbone',
    'ExitHeads',
    'MultiExitNetwork',
    'State',
    'build_network',
    'list_models',
]
