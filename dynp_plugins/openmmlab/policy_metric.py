"""Accuracy and cost of an exit policy, as a metric for training and testing."""

from collections.abc import Sequence

import torch
from mmengine.evaluator import BaseMetric
from mmengine.registry import METRICS

from ..early_exit import ExitPolicy
from ..errors import UserError


@METRICS.register_module()
class PolicyAccuracy(BaseMetric):
    """Top-1 accuracy in percent, mean cost and exit shares under a policy, as ``policy/...``.

    All exits are computed and each sample is judged by the one where the policy would let it
    leave; ``tools/test.py --policy`` lets it leave for real. Reads what `MultiExitHead.predict`
    writes. While a model is trained its confidences change, so that only a policy made for the
    finished weights meets its budget.

    Args:
        policy: A policy file.
        collect_device: As in mmengine.
        prefix: As in mmengine.

    Example:
        >>> val_evaluator = [
        ...     dict(type='MultiExitAccuracy'),
        ...     dict(type='PolicyAccuracy', policy='policy.json'),
        ... ]
    """

    default_prefix = 'policy'

    def __init__(self, policy: str, collect_device: str = 'cpu', prefix: str | None = None):
        super().__init__(collect_device=collect_device, prefix=prefix)
        self.policy = ExitPolicy.load(policy)

    def process(self, data_batch, data_samples: Sequence[dict]) -> None:
        """Find each sample's exit.

        Raises:
            UserError: The model's head is no `MultiExitHead`, or has other exits or classes than
                the policy.
        """
        for sample in data_samples:
            if 'exit_scores' not in sample:
                raise UserError('PolicyAccuracy needs a model whose head is a MultiExitHead')
            if 'gt_label' not in sample:
                raise UserError('the pictures have no labels, so there is no accuracy to measure')
            scores = sample['exit_scores']  # (exits, classes)
            self.policy.check_network(sample['exit_names'], scores.shape[1])
            self._check_size(sample.get('img_shape'))
            exit = self.policy.exits_of(list(scores[:, None])).item()
            right = scores[exit].argmax().item() == sample['gt_label'].item()
            self.results.append((exit, right))

    def _check_size(self, img_shape: Sequence[int] | None) -> None:
        """Refuse pictures (height, width) of another size than the costs hold for."""
        holds_for = self.policy.expected and self.policy.expected.input_shape
        if holds_for and img_shape and tuple(img_shape) != tuple(holds_for[1:]):
            raise UserError(
                f'pictures are {tuple(img_shape)} (height, width), but the costs and thresholds of '
                f'the policy hold for {tuple(holds_for[1:])}: choose a policy for this size'
            )

    def compute_metrics(self, results: list) -> dict[str, float]:
        """``top1``, ``gmacs_mean`` if the policy knows the costs, and ``share_EXIT``."""
        exits, right = torch.tensor(results).T
        names, expected = self.policy.exit_names, self.policy.expected
        metrics = {'top1': 100 * right.double().mean().item()}
        if expected is not None:
            costs = torch.tensor([expected.exit_gmacs[k] for k in names], dtype=torch.double)
            metrics['gmacs_mean'] = costs[exits].mean().item()
        for k, name in enumerate(names):
            metrics[f'share_{name}'] = (exits == k).double().mean().item()
        return metrics
