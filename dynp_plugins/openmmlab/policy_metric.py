"""Accuracy and cost of an exit policy, as a metric for training and testing."""

from collections.abc import Sequence

import numpy as np
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
                the policy; samples of another size than it holds for.
        """
        for sample in data_samples:
            if 'exit_scores' not in sample:
                raise UserError('PolicyAccuracy needs a model whose head is a MultiExitHead')
            if 'gt_label' not in sample:
                raise UserError('the samples have no labels, so there is no accuracy to measure')
            scores = sample['exit_scores']  # (exits, classes)
            self.policy.check_network(sample['exit_names'], scores.shape[1])
            if 'img_shape' in sample:
                self.policy.check_input_shape(sample['img_shape'])
            exit = self.policy.exits_of(list(scores[:, None])).item()
            right = scores[exit].argmax().item() == sample['gt_label'].item()
            self.results.append((exit, right))

    def compute_metrics(self, results: list) -> dict[str, float]:
        """``top1``, ``gmacs_mean`` if the policy knows the costs, and ``share_EXIT``."""
        exits, right = np.array(results).T
        return self.policy.metrics(exits, right)
