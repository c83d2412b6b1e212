"""Training objective of a multi-exit network: cross-entropy per exit, and self-distillation."""

from collections.abc import Mapping, Sequence

from mmengine.registry import MODELS
from torch import Tensor, nn
from torch.nn import functional as F

from ..errors import UserError

PUBLISHED_CE_WEIGHTS = {'early': 0.5, 'latent': 0.5, 'feature': 1.0, 'merged': 1.0}
PUBLISHED_KD_WEIGHTS = {'early': 0.5, 'latent': 0.5, 'feature': 0.5}


@MODELS.register_module()
class MultiExitLoss(nn.Module):
    """Weighted cross-entropy at each exit, and KL divergence to the last exit's prediction.

    sum_k ce_k CE(exit k) + T^2 sum_k kd_k KL(softmax(teacher / T) || softmax(exit k / T)),

    where the teacher is the last exit, detached, and KL is the batch mean. The default weights are
    those of the published Dyn-Perceiver code. The paper's text (arXiv 2306.11248, section 3.4)
    instead gives every exit but the last 0.5 and 0.5.

    Args:
        ce_weights: Weight of the cross-entropy by exit name. Default: the published ones for the
            exits that exist.
        kd_weights: Weight of the distillation by exit name, likewise; ``{}`` switches it off.
        temperature: T.
        label_smoothing: As in `torch.nn.functional.cross_entropy`.
    """

    def __init__(
        self,
        ce_weights: Mapping[str, float] | None = None,
        kd_weights: Mapping[str, float] | None = None,
        temperature: float = 1.0,
        label_smoothing: float = 0.0,
    ):
        super().__init__()
        self.ce_weights = ce_weights
        self.kd_weights = kd_weights
        self.temperature = temperature
        self.label_smoothing = label_smoothing

    def forward(
        self, logits: Sequence[Tensor], target: Tensor, exit_names: Sequence[str]
    ) -> dict[str, Tensor]:
        """Losses by name, ``loss_ce_EXIT`` and ``loss_kd_EXIT``, weights included.

        Args:
            logits: (B, classes) per exit.
            target: Class indices (B,) or probabilities (B, classes).
            exit_names: Names of the exits, in the order of ``logits``.

        Raises:
            UserError: A weight for an exit that does not exist, or distillation of the last exit.
        """
        *students, teacher = exit_names
        by_name = dict(zip(exit_names, logits, strict=True))
        losses = {}
        ce_weights = _weights('ce_weights', self.ce_weights, PUBLISHED_CE_WEIGHTS, exit_names)
        for name, weight in ce_weights.items():
            losses[f'loss_ce_{name}'] = weight * F.cross_entropy(
                by_name[name], target, label_smoothing=self.label_smoothing
            )
        kd_weights = _weights('kd_weights', self.kd_weights, PUBLISHED_KD_WEIGHTS, students)
        if kd_weights:
            t = self.temperature
            wanted = F.log_softmax(by_name[teacher].detach() / t, -1)
            for name, weight in kd_weights.items():
                given = F.log_softmax(by_name[name] / t, -1)
                losses[f'loss_kd_{name}'] = (weight * t * t) * F.kl_div(
                    given, wanted, reduction='batchmean', log_target=True
                )
        return losses


def _weights(
    option: str,
    configured: Mapping[str, float] | None,
    published: Mapping[str, float],
    exit_names: Sequence[str],
) -> Mapping[str, float]:
    """The configured weights, checked, or the published ones of the exits that exist."""
    if configured is None:
        return {name: published[name] for name in exit_names if name in published}
    unknown = [name for name in configured if name not in exit_names]
    if unknown:
        raise UserError(
            f'{option} names {", ".join(map(repr, unknown))}; it can weight {", ".join(exit_names)}'
        )
    return configured
