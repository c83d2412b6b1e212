"""fvcore's analyses and what their handles use, without their warnings."""

import warnings
from typing import TypeVar

with warnings.catch_warnings():
    # fvcore scripts a loss function when it is imported, which torch has deprecated.
    warnings.simplefilter('ignore', FutureWarning)
    from fvcore.nn import ActivationCountAnalysis, FlopCountAnalysis
    from fvcore.nn.jit_analysis import JitModelAnalysis
    from fvcore.nn.jit_handles import generic_activation_jit, get_shape

__all__ = [
    'ActivationCountAnalysis',
    'FlopCountAnalysis',
    'generic_activation_jit',
    'get_shape',
    'quiet',
]

Analysis = TypeVar('Analysis', bound=JitModelAnalysis)


def quiet(analysis: Analysis) -> Analysis:
    """Silence an analysis: whoever counts looks at what it does not support."""
    analysis.unsupported_ops_warnings(False).uncalled_modules_warnings(False)
    return analysis.tracer_warnings('none')
