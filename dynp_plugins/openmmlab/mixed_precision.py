"""Mixed precision in training: bfloat16 on CPUs and GPUs, float16 on GPUs that lack it."""

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import torch
from mmengine.config import Config
from mmengine.device import get_device
from mmengine.logging import print_log
from mmengine.optim import OptimWrapper
from mmengine.registry import OPTIM_WRAPPERS
from torch import nn

from ..config_types import type_name
from ..errors import UserError

AMP_DTYPES = ('bfloat16', 'float16')

_BFLOAT16, _FLOAT16 = 'BFloat16OptimWrapper', 'AmpOptimWrapper'
_REPLACED = ('OptimWrapper', _FLOAT16, _BFLOAT16)


@OPTIM_WRAPPERS.register_module()
class BFloat16OptimWrapper(OptimWrapper):
    """Runs the forward pass under bfloat16 autocast, on a CPU and on a GPU.

    bfloat16 reaches as far as float32, so that losses need no scaling. Weights, their gradients
    and the optimizer stay float32. mmengine's `AmpOptimWrapper` scales losses and needs a GPU.

    Args:
        *args: As mmengine's `OptimWrapper`.
        **kwargs: The same.
    """

    def __init__(self, *args: Any, **kwargs: Any):
        super().__init__(*args, **kwargs)
        on_cpu = self.optimizer.param_groups[0]['params'][0].device.type == 'cpu'
        if on_cpu and cpu_has_bfloat16() is False:
            print_log(
                'this CPU does not multiply in bfloat16 but converts from and to float32: expect '
                'mixed precision to be slower, not faster',
                logger='current',
                level=logging.WARNING,
            )

    @contextmanager
    def optim_context(self, model: nn.Module) -> Iterator[None]:
        """Around the forward pass and the losses.

        Args:
            model: What is trained; its weights tell the device.
        """
        device = next(model.parameters()).device
        with super().optim_context(model), torch.autocast(device.type, torch.bfloat16):
            yield


def use_mixed_precision(config: Config, dtype: str | None = None) -> None:
    """Let a config's training run in mixed precision.

    Args:
        config: With an ``optim_wrapper``, which is changed.
        dtype: One of `AMP_DTYPES`; by default what the config's ``optim_wrapper.dtype`` says, else
            bfloat16, or float16 on a GPU without bfloat16.

    Raises:
        UserError: The device or the config's own ``optim_wrapper`` does not allow it.
    """
    wrapper = config.optim_wrapper
    kind = type_name(wrapper.get('type', 'OptimWrapper'))
    if kind not in _REPLACED:
        raise UserError(
            f'--amp replaces the OptimWrapper, but optim_wrapper.type is {kind}: leave out --amp, '
            'or the type'
        )
    device = get_device()
    if device not in ('cpu', 'cuda'):
        raise UserError(f'--amp runs on a CPU and on a CUDA GPU, not on {device}: leave it out')
    configured = wrapper.get('dtype')
    if dtype is None and configured is not None:
        dtype = str(configured).removeprefix('torch.')
    if dtype is None:
        dtype = 'bfloat16' if device == 'cpu' or _gpu_has_bfloat16() else 'float16'
    if dtype not in AMP_DTYPES:
        raise UserError(f'mixed precision in {dtype}: choose one of {", ".join(AMP_DTYPES)}')
    if dtype == 'float16':
        if device == 'cpu':
            raise UserError('--amp in float16 needs a GPU: give --amp-dtype bfloat16 on a CPU')
        wrapper.update(type=_FLOAT16, dtype=dtype)
        wrapper.setdefault('loss_scale', 'dynamic')
        return
    if device == 'cuda' and not _gpu_has_bfloat16():
        raise UserError('this GPU does not compute in bfloat16: give --amp-dtype float16')
    for name in ('dtype', 'loss_scale', 'use_fsdp'):  # what only mmengine's wrapper takes
        wrapper.pop(name, None)
    wrapper.type = _BFLOAT16


def cpu_has_bfloat16() -> bool | None:
    """Whether the CPU multiplies in bfloat16; None where this version of torch cannot tell."""
    if not hasattr(torch.cpu, 'get_capabilities'):
        return None
    known = torch.cpu.get_capabilities()
    return any(known.get(name, False) for name in ('amx_bf16', 'avx512_bf16', 'bf16'))


def _gpu_has_bfloat16() -> bool:
    return torch.cuda.is_bf16_supported(including_emulation=False)
