"""BatchNorm over the batches of all processes on a CPU, where torch's SyncBatchNorm cannot run."""

import torch
import torch.distributed as dist
from torch import Tensor, nn
from torch.autograd.function import once_differentiable
from torch.nn.functional import batch_norm
from torch.nn.modules.batchnorm import _BatchNorm

from ..errors import UserError

_STATE = ('weight', 'bias', 'running_mean', 'running_var', 'num_batches_tracked')


class CpuSyncBatchNorm(_BatchNorm):
    """Normalises with mean and variance over the samples of all processes.

    Outputs, running statistics and gradients are those of an ordinary BatchNorm that sees the
    batches of all processes as one; the gradients of weight and bias are this process's part,
    to be added up or averaged with those of the other parameters. In eval mode, and in a single
    process, it is an ordinary BatchNorm.
    """

    def forward(self, input: Tensor) -> Tensor:
        """Normalise ``input`` (B, C, ...), where B may differ between processes."""
        if not (self.training and dist.is_initialized() and dist.get_world_size() > 1):
            return super().forward(input)
        output, mean, variance, count = _Normalise.apply(input, self.weight, self.bias, self.eps)
        if self.track_running_stats:
            self.num_batches_tracked.add_(1)
            share = self.momentum
            if share is None:  # the plain average of all batches
                share = 1 / self.num_batches_tracked.item()
            self.running_mean.lerp_(mean, share)
            self.running_var.lerp_(variance * count / (count - 1), share)
        return output

    def _check_input_dim(self, input: Tensor) -> None:
        """Any number of dimensions: this class stands for BatchNorm1d, 2d and 3d."""


class _Normalise(torch.autograd.Function):
    """One exchange between the processes forward, and one backward."""

    @staticmethod
    def forward(ctx, input, weight, bias, eps):
        own_variance, own_mean = torch.var_mean(input, _all_but_channels(input), correction=0)
        channels = len(own_mean)
        own_count = own_mean.new_tensor([input.numel() // channels])
        own = torch.cat([own_mean, own_variance, own_count])
        gathered = [torch.empty_like(own) for _ in range(dist.get_world_size())]
        dist.all_gather(gathered, own)
        # (P, C), (P, C), (P, 1) of P processes
        means, variances, counts = torch.stack(gathered).split([channels, channels, 1], dim=1)
        count = counts.sum()
        mean = (means * counts / count).sum(0)
        variance = ((variances + (means - mean).square()) * counts / count).sum(0)
        ctx.save_for_backward(input, weight, mean, (variance + eps).rsqrt(), count)
        ctx.mark_non_differentiable(mean, variance, count)
        output = batch_norm(input, mean, variance, weight, bias, training=False, eps=eps)
        return output, mean, variance, count

    @staticmethod
    @once_differentiable
    def backward(ctx, gradient, *_):
        input, weight, mean, inverse_deviation, count = ctx.saved_tensors
        axes, shape = _all_but_channels(input), (1, -1) + (1,) * (input.dim() - 2)
        normalised = (input - mean.view(shape)) * inverse_deviation.view(shape)
        of_bias, of_weight = gradient.sum(axes), (gradient * normalised).sum(axes)
        of_all = torch.stack([of_bias, of_weight])
        dist.all_reduce(of_all)
        mean_gradient, mean_product = (of_all / count).unbind()
        scale = inverse_deviation if weight is None else inverse_deviation * weight
        of_input = scale.view(shape) * (
            gradient - mean_gradient.view(shape) - normalised * mean_product.view(shape)
        )
        return (
            of_input,
            None if weight is None else of_weight,
            None if weight is None else of_bias,
            None,
        )


def _all_but_channels(input: Tensor) -> list[int]:
    return [axis for axis in range(input.dim()) if axis != 1]


def synchronise_batch_norms(module: nn.Module, every: bool) -> nn.Module:
    """Replace BatchNorms by `CpuSyncBatchNorm`, with the same parameters, buffers and mode.

    Args:
        module: Changed in place, unless it is a BatchNorm itself.
        every: Replace all BatchNorms; otherwise only torch's SyncBatchNorms, which cannot run.

    Returns:
        ``module``, or what stands in its place.

    Raises:
        UserError: A layer does more than BatchNorm, such as timm's with activations in them.
    """
    if isinstance(module, CpuSyncBatchNorm):
        return module
    if isinstance(module, _BatchNorm if every else nn.SyncBatchNorm):
        if type(module).forward not in (_BatchNorm.forward, nn.SyncBatchNorm.forward):
            raise UserError(
                f'sync_bn: {type(module).__name__} is more than a BatchNorm and cannot be '
                'synchronised; set sync_bn=None'
            )
        replacement = CpuSyncBatchNorm(
            module.num_features,
            module.eps,
            module.momentum,
            module.affine,
            module.track_running_stats,
        )
        for name in _STATE:
            setattr(replacement, name, getattr(module, name))
        return replacement.train(module.training)
    for name, child in module.named_children():
        setattr(module, name, synchronise_batch_norms(child, every))
    return module
