"""Training through `torch.compile`: which modules of a classifier, and what can stand in the way.

mmengine's ``compile`` entry of a config compiles ``train_step`` as a whole. Labels lie in data
samples there, which are other objects in every batch, so that torch compiles anew for every batch
until it gives up. Here the modules are compiled that take and give tensors: backbone, exit heads
and loss. Together they are the training step but for the update of the weights, see `optim`.
"""

import inspect
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import Any

import torch
from mmengine.config import Config
from mmengine.hooks import Hook
from mmengine.registry import HOOKS
from torch import Tensor, nn

from ..errors import UserError
from .classifiers import classification_head
from .detectors import is_detection_config, is_detector
from .run_start import unwrapped

HOOK = 'CompiledTrainingHook'
_LEAVE_OUT = 'or leave out --compile'


@HOOKS.register_module()
class CompiledTrainingHook(Hook):
    """Compiles a classifier of pictures or videos when its training begins.

    Validation runs the model as it is: it has other batch sizes, and would be compiled anew.
    Checkpoints do not know of it. `train` of `dynp_plugins.openmmlab.runs` adds it on demand.

    Args:
        **options: See `compile_parts`.
    """

    def __init__(self, **options: Any):
        self.options = options

    def before_train(self, runner) -> None:
        """Behind the hooks that copy the model, and after weights were loaded.

        Raises:
            UserError: The model is a detector, or nothing can be compiled on this machine.
        """
        model = unwrapped(runner.model)
        parts = compiled_parts(model)
        device = next(model.parameters()).device
        if self.options.get('backend', 'inductor') == 'inductor':
            check_compiler(device)
        compile_parts(parts.values(), **self.options)
        model.val_step = torch.compiler.set_stance('force_eager')(model.val_step)
        runner.logger.info(
            f'the first iterations compile {", ".join(parts)}, which takes minutes on a CPU; '
            'torch keeps the result in TORCHINDUCTOR_CACHE_DIR for the next run'
        )


def use_compilation(config: Config, wanted: bool) -> None:
    """Let a config's training be compiled, if ``wanted`` or if its ``compile`` entry says so.

    Args:
        config: It is changed: `CompiledTrainingHook` takes the place of ``compile``, whose dict of
            options it gets.
        wanted: Also compile without such an entry.

    Raises:
        UserError: The config is a detector's, or its ``compile`` is no dict and no bool.
    """
    entry = config.get('compile')
    if entry is not None and not isinstance(entry, bool | dict):
        raise UserError(f'compile={entry!r}: give True, or a dict of options for torch.compile')
    config.pop('compile', None)
    if not wanted and (entry is None or entry is False):
        return
    if is_detection_config(config):
        raise UserError(_no_detectors())
    hooks = config.setdefault('custom_hooks', [])
    if all(hook.get('type') != HOOK for hook in hooks):
        hooks.append(dict(entry if isinstance(entry, dict) else {}, type=HOOK))


def compiled_parts(model: nn.Module) -> dict[str, nn.Module]:
    """By name, the modules of a classifier that are compiled; others of it hold no tensors alone.

    Raises:
        UserError: It is a detector.
    """
    if is_detector(model):
        raise UserError(_no_detectors())
    head = classification_head(model)
    parts = {
        'backbone': getattr(model, 'backbone', None),
        'exit heads': getattr(head, 'heads', None),
        'loss': getattr(head, 'loss_module', None) if hasattr(head, 'heads') else None,
    }
    return {name: part for name, part in parts.items() if isinstance(part, nn.Module)}


def compile_parts(parts: Iterable[nn.Module], **options: Any) -> None:
    """Compile modules in place, so that the names of their weights stay.

    Args:
        parts: They are compiled when they first run.
        **options: For `torch.compile`. Unless ``dynamic`` is among them, each shape of batches is
            compiled on its own, which gives the fastest code; the last batch of an epoch is
            another shape if it is smaller.
    """
    defaults: dict[str, Any] = {'dynamic': False}
    if 'isolate_recompiles' in inspect.signature(torch.compile).parameters:  # in newer versions
        # Otherwise all modules share one small number of shapes that may be compiled.
        defaults['isolate_recompiles'] = True
    for part in parts:
        part.compile(**{**defaults, **options})


def check_compiler(device: torch.device) -> None:
    """Compile a line of code, so that what is missing is known before the training begins.

    Raises:
        UserError: It does not work; the message says what to install.
    """
    from torch._inductor.cpp_builder import get_cpp_compiler
    from torch._inductor.exc import InvalidCxxCompiler

    if device.type == 'cpu':
        try:
            get_cpp_compiler()
        except InvalidCxxCompiler as error:
            raise UserError(
                '--compile finds no C++ compiler: install one (on Debian and Ubuntu apt install '
                f'g++), name it in the environment variable CXX, {_LEAVE_OUT}'
            ) from error
    try:
        torch.compile(_any_line, dynamic=False)(torch.ones(8, device=device))
    except Exception as error:
        raise UserError(
            f'--compile does not work on this machine: {_cause(error)}. Install what is missing '
            f"there, such as a compiler or Python's header files (python3-dev), {_LEAVE_OUT}"
        ) from error


@contextmanager
def explaining_compilation() -> Iterator[None]:
    """Say what to do about errors of torch.compile, of which torch tells many screens.

    Raises:
        UserError: In their place.
    """
    try:
        yield
    except RuntimeError as error:
        if not type(error).__module__.startswith(('torch._dynamo', 'torch._inductor')):
            raise
        raise UserError(
            f'torch.compile cannot compile this model: {_cause(error)}. Give other options with '
            f'--cfg-options compile.backend=aot_eager or the like, {_LEAVE_OUT} '
            '(DYNP_TRACEBACK=1 shows where)'
        ) from error


def _any_line(x: Tensor) -> Tensor:
    return x.sin() + 1


def _cause(error: Exception) -> str:
    """What a compiler complains of in an error of many lines, or else how the error begins."""
    lines = [line.strip() for line in str(error).splitlines()]
    complaints = [line for line in lines if ' error: ' in line]
    text = ' '.join(complaints[:1] or [line for line in lines if line][:2])
    return text.rstrip('.:') or type(error).__name__


def _no_detectors() -> str:
    return (
        '--compile is for classifiers of pictures and videos: the pictures of a detector differ in '
        'size, and each size would be compiled anew; leave out --compile (--amp works)'
    )
