"""The networks in plain torch, behind one contract of steps and exits."""

from .contract import ExitBackbone, ExitHeads, MultiExitNetwork, State
from .dense_layers import ConvExitHeads
from .dyn_perceiver import DynPerceiverBackbone
from .dyn_perceiver_heads import DynPerceiverHeads
from .model_names import build_network, list_models
from .msdnet import MSDNetBackbone
from .ranet import RANetBackbone
from .static import StaticBackbone, StaticHeads

__all__ = [
    'ConvExitHeads',
    'DynPerceiverBackbone',
    'DynPerceiverHeads',
    'ExitBackbone',
    'ExitHeads',
    'MSDNetBackbone',
    'MultiExitNetwork',
    'RANetBackbone',
    'State',
    'StaticBackbone',
    'StaticHeads',
    'build_network',
    'list_models',
]
