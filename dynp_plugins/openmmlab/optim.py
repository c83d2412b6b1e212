"""Weight decay for matrices and convolutions only, and optimizers that update in one kernel."""

import inspect
from typing import Any

import torch
from mmengine.config import Config
from mmengine.device import get_device
from mmengine.optim import DefaultOptimWrapperConstructor
from mmengine.registry import OPTIM_WRAPPER_CONSTRUCTORS
from torch import nn

_IMPLEMENTATIONS = ('fused', 'foreach', 'capturable', 'differentiable')
"""What tells torch how to compute an update; whoever gives one has chosen."""


@OPTIM_WRAPPER_CONSTRUCTORS.register_module()
class NoDecayForVectors(DefaultOptimWrapperConstructor):
    """mmengine's constructor, with no weight decay on one-dimensional parameters.

    Those are the biases and the scales of norms. mmengine's own ``norm_decay_mult`` and
    ``bias_decay_mult`` are not applied to parameters that ``custom_keys`` give a learning rate.
    """

    def add_params(self, params: list[dict], *args: Any, **kwargs: Any) -> None:
        """Collect the parameters into groups of one, as mmengine does, and clear their decay."""
        super().add_params(params, *args, **kwargs)
        for group in params:
            if all(parameter.ndim <= 1 for parameter in group['params']):
                group['weight_decay'] = 0.0


def use_fused_optimizer(config: Config) -> None:
    """Set ``fused=True`` for an optimizer of torch that has it on the device of the training.

    A fused optimizer updates a tensor in one pass over memory in place of about ten; the results
    differ by rounding. A config that says ``fused`` or ``foreach`` itself is left as it is, and a
    resumed run goes on as it began, since torch keeps the choice in the checkpoint.

    Args:
        config: With an ``optim_wrapper``, which is changed.
    """
    optimizer = config.optim_wrapper.get('optimizer')
    if optimizer is None or any(name in optimizer for name in _IMPLEMENTATIONS):
        return
    kind = optimizer.get('type')
    if isinstance(kind, str):
        kind = getattr(torch.optim, kind, None)
    if has_fused(kind, torch.device(get_device())):
        optimizer.fused = True


def has_fused(optimizer: Any, device: torch.device) -> bool:
    """Whether an optimizer class is torch's own and has a fused kernel for a device."""
    if not isinstance(optimizer, type) or not issubclass(optimizer, torch.optim.Optimizer):
        return False
    parameters = inspect.signature(optimizer).parameters
    if not optimizer.__module__.startswith('torch.optim.') or 'fused' not in parameters:
        return False
    weight = nn.Parameter(torch.zeros(1, device=device))
    weight.grad = torch.zeros_like(weight)
    try:
        optimizer([weight], lr=1e-3, fused=True).step()
    except (RuntimeError, NotImplementedError):  # torch has no public list of the devices
        return False
    return True
