"""A stand-in for mmcv's compiled module ``mmcv._ext``, made of torch and torchvision ops.

mmcv's Python wrappers (``mmcv/ops/*.py``) call these ops inside their own `autograd.Function`:
forward and backward are separate, and results are written into tensors that the wrapper allocated.
Names and order of the arguments are the compiled ops'. Half-precision input, as under autocast, is
computed in float32 and written back in the caller's type.
"""

from collections.abc import Callable
from types import ModuleType

from .deform_conv import modulated_deform_conv_backward, modulated_deform_conv_forward
from .focal_loss import sigmoid_focal_loss_backward, sigmoid_focal_loss_forward
from .needs_compiled import needs_compiled_mmcv
from .nms import nms, softnms
from .roi_align import roi_align_backward, roi_align_forward


def get_compiler_version() -> str:
    """What mmcv's environment report shows as its compiler."""
    return 'n/a (ops not compiled)'


def get_compiling_cuda_version() -> str:
    """What mmcv's environment report shows as its CUDA compiler."""
    return 'n/a (ops not compiled)'


OPS = (
    get_compiler_version,
    get_compiling_cuda_version,
    modulated_deform_conv_backward,
    modulated_deform_conv_forward,
    nms,
    roi_align_backward,
    roi_align_forward,
    sigmoid_focal_loss_backward,
    sigmoid_focal_loss_forward,
    softnms,
)


def fill(module: ModuleType) -> None:
    """Make an empty module behave like ``mmcv._ext``: `OPS` work, any other op refuses to run."""
    for op in OPS:
        setattr(module, op.__name__, op)
    module.__getattr__ = missing_op


def missing_op(name: str) -> Callable:
    """Return an op that refuses to run, so that ``mmcv.ops`` can import whatever it lists.

    Raises:
        AttributeError: for a name with a leading underscore, which is never an op.
    """
    if name.startswith('_'):
        raise AttributeError(f"module 'mmcv._ext' has no attribute {name!r}")

    def refuse(*args, **kwargs):
        raise needs_compiled_mmcv(f"The mmcv op '{name}'")

    refuse.__name__ = refuse.__qualname__ = name
    return refuse
