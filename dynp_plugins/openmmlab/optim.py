"""Weight decay for matrices and convolutions only."""

from typing import Any

from mmengine.optim import DefaultOptimWrapperConstructor
from mmengine.registry import OPTIM_WRAPPER_CONSTRUCTORS


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
