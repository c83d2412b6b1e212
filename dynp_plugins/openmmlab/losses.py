"""Training objective of a multi-exit network: cross-entropy per exit, and self-distillation."""

from collections.abc import Mapping, Sequence

from mmengine.registry import MODELS
from torch import Tensor, nn
from torch.nn import functional as F

from ..errors import UserError

DYN_PERCEIVER_CE_WEIGHTS = {'early': 0.5, 'latent': 0.5, 'feature': 1.0, 'merged': 1.0}
DYN_PERCEIVER_KD_WEIGHTS = {'early': 0.5, 'latent': 0.5, 'feature': 0.5}


@MODELS.register_module()
class MultiExitLoss(nn.Module):
    """Weighted cross-entropy at each exit, and KL divergence to the last exit's prediction.

    sum_k ce_k CE(exit k) + T^2 sum_k kd_k KL(softmax(teacher / T) || softmax(exit k / T)),

    where the teacher is the last exit, detached, and KL is the batch mean. The default weights are
    the published objective of the network, which the names of its exits tell:

    - Dyn-Perceiver: those of the published code, `DYN_PERCEIVER_CE_WEIGHTS` and
      `DYN_PERCEIVER_KD_WEIGHTS`. The paper's text (arXiv 2306.11248, section 3.4) instead gives
      every exit but the last 0.5 and 0.5.
    - All others (MSDNet, RANet, static networks): the plain sum of the cross-entropies.

    Args:
        ce_weights: Weight of the cross-entropy by exit name, or one for all exits.
        kd_weights: Weight of the distillation by exit name, or one for all exits but the last; 0
            switches it off.
        temperature: T.
        label_smoothing: As in `torch.nn.functional.cross_entropy`.
    """

    def __init__(
        self,
        ce_weights: Mapping[str, float] | float | None = None,
        kd_weights: Mapping[str, float] | float | None = None,
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
            UserError: A weight for an exit that does not exist, distillation of the last exit, or
                no weight at all.
        """
        *students, teacher = exit_names
        by_name = dict(zip(exit_names, logits, strict=True))
        default_ce, default_kd = _published_weights(exit_names)
        losses = {}
        ce_weights = _weights('ce_weights', self.ce_weights, default_ce, exit_names)
        for name, weight in ce_weights.items():
            losses[f'loss_ce_{name}'] = weight * F.cross_entropy(
                by_name[name], target, label_smoothing=self.label_smoothing
            )
        kd_weights = _weights('kd_weights', self.kd_weights, default_kd, students)
        if kd_weights:
            t = self.temperature
            wanted = F.log_softmax(by_name[teacher].detach() / t, -1)
            for name, weight in kd_weights.items():
                given = F.log_softmax(by_name[name] / t, -1)
                losses[f'loss_kd_{name}'] = (weight * t * t) * F.kl_div(
                    given, wanted, reduction='batchmean', log_target=True
                )
        if not losses:
            raise UserError('ce_weights and kd_weights are all 0, so there is nothing to train')
        return losses


def _published_weights(exit_names: Sequence[str]) -> tuple[dict[str, float], dict[str, float]]:
    """Cross-entropy and distillation weights of the network that has these exits."""
    *students, _ = exit_names
    if not set(exit_names) <= DYN_PERCEIVER_CE_WEIGHTS.keys():
        return dict.fromkeys(exit_names, 1.0), {}
    return (
        {name: DYN_PERCEIVER_CE_WEIGHTS[name] for name in exit_names},
        {name: DYN_PERCEIVER_KD_WEIGHTS[name] for name in students},
    )


def _weights(
    option: str,
    configured: Mapping[str, float] | float | None,
    published: Mapping[str, float],
    exit_names: Sequence[str],
) -> Mapping[str, float]:
    """The weights that are not zero: as configured, checked, or the published ones."""
    if configured is None:
        configured = published
    elif isinstance(configured, int | float):
        configured = dict.fromkeys(exit_names, configured)
    elif not isinstance(configured, Mapping):
        raise UserError(f'{option}={configured!r}: give one number, or a dict of them by exit')
    unknown = [name for name in configured if name not in exit_names]
    if unknown:
        raise UserError(
            f'{option} names {", ".join(map(repr, unknown))}; it can weight {", ".join(exit_names)}'
        )
    return {name: weight for name, weight in configured.items() if weight}
