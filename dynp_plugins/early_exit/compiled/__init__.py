"""A network's steps, each compiled on its own, behind the interface of the network itself."""

from .backends import BACKENDS
from .compiled_steps import BATCH_SIZES, CompiledSteps, compile_steps

__all__ = ['BACKENDS', 'BATCH_SIZES', 'CompiledSteps', 'compile_steps']
