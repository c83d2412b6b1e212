"""Sigmoid focal loss as ``mmcv._ext`` names it, in closed form; mmdet calls it on GPUs.

Let z = x for the target class and -x for the others, p = sigmoid(z), and a = alpha for the target
class and 1 - alpha for the others. The loss of one logit x is -a (1 - p)^gamma log p (Lin et al.,
2017, eq. 5), and dp/dz = p (1 - p) gives dloss/dz = -a (1 - p)^gamma (1 - p - gamma p log p).
"""

import torch
from torch import Tensor
from torch.nn import functional as F

from .needs_compiled import needs_compiled_mmcv
from .precision import compute_type


def sigmoid_focal_loss_forward(
    input: Tensor, target: Tensor, weight: Tensor, output: Tensor, gamma: float, alpha: float
) -> None:
    """Write the loss of each logit to `output`.

    Args:
        input: logits, (N, C).
        target: class of each row, (N,), int64; C, the background, is no class's target.
        weight: must be empty.
        output: (N, C), overwritten.

    Raises:
        UserError: for class weights.
    """
    with torch.no_grad():
        z, _, a = _terms(input, target, weight, alpha)
        output.copy_(-a * torch.sigmoid(-z) ** gamma * F.logsigmoid(z))


def sigmoid_focal_loss_backward(
    input: Tensor, target: Tensor, weight: Tensor, grad_input: Tensor, gamma: float, alpha: float
) -> None:
    """Write the derivative of each logit's loss with respect to it to `grad_input`, (N, C).

    Raises:
        UserError: for class weights.
    """
    with torch.no_grad():
        z, sign, a = _terms(input, target, weight, alpha)
        p, q = torch.sigmoid(z), torch.sigmoid(-z)  # 1 - p would be 0 in float32 from z = 17 on
        grad_input.copy_(-sign * a * q**gamma * (q - gamma * p * F.logsigmoid(z)))


def _terms(
    input: Tensor, target: Tensor, weight: Tensor, alpha: float
) -> tuple[Tensor, Tensor, Tensor]:
    """Return z, dz/dx and a, each (N, C)."""
    if weight.numel():
        raise needs_compiled_mmcv(
            f"The mmcv op 'sigmoid_focal_loss' with class weights ({weight.numel()} given)",
            instead='leave them out (weight=None)',
        )
    x = input.to(compute_type(input))
    is_target = target[:, None] == torch.arange(x.shape[1], device=x.device)  # (N, C)
    sign = torch.where(is_target, 1.0, -1.0).to(x.dtype)
    a = torch.where(is_target, alpha, 1 - alpha).to(x.dtype)
    return sign * x, sign, a
