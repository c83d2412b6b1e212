"""Distributed training without a GPU, by gloo."""

from mmengine.model import MMDistributedDataParallel
from mmengine.registry import MODEL_WRAPPERS
from torch import nn

from .sync_batch_norm import synchronise_batch_norms


@MODEL_WRAPPERS.register_module()
class CpuDistributedDataParallel(MMDistributedDataParallel):
    """mmengine's wrapper for processes without a GPU.

    Args:
        module: The model. SyncBatchNorms in it are replaced by ours, which run on a CPU.
        sync_bn: Also replace all other BatchNorms.
        device_ids: Ignored: mmengine gives the number of a GPU.
        kwargs: As in `torch.nn.parallel.DistributedDataParallel`.
    """

    def __init__(self, module: nn.Module, sync_bn: bool = False, device_ids=None, **kwargs):
        super().__init__(synchronise_batch_norms(module, every=sync_bn), **kwargs)
