"""Anchor-based detectors in several processes: one normaliser of the loss for all of them."""

from collections.abc import Callable
from functools import partial

import torch
from mmengine.dist import all_reduce, get_world_size
from mmengine.hooks import Hook
from mmengine.registry import HOOKS

from .run_start import unwrapped


@HOOKS.register_module()
class SharedAnchorCountHook(Hook):
    """Divide the losses of RetinaNet, SSD and RPN heads by the mean count over the processes.

    mmdet's anchor heads divide by the number of matched anchors in their own process's batch.
    The mean of the processes' losses is then no loss of the whole batch: a box counts the more,
    the fewer the other images of its process have. Divided by the mean count over the processes,
    as mmdet's newer heads (FCOS, ATSS, GFL, RTMDet) do by themselves, it is. A single process is
    not changed.
    """

    def before_train(self, runner) -> None:
        """Change the heads of the model, where there are several processes."""
        if get_world_size() == 1:
            return
        from mmdet.models.dense_heads.anchor_head import AnchorHead

        for module in unwrapped(runner.model).modules():
            # Heads with targets of their own divide by what they think right.
            if (
                isinstance(module, AnchorHead)
                and type(module).get_targets is AnchorHead.get_targets
            ):
                module.get_targets = partial(_with_shared_count, module.get_targets)


def _with_shared_count(get_targets: Callable[..., tuple], *args, **kwargs) -> tuple:
    """The head's targets, of which the fifth is the number to divide by."""
    *tensors, count = (targets := get_targets(*args, **kwargs))[:5]
    shared = torch.tensor(float(count), device=tensors[0][0].device)
    all_reduce(shared, op='mean')
    return (*tensors, shared.item(), *targets[5:])
