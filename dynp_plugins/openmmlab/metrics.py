"""Accuracy of every exit, for everybody ("anytime" accuracy)."""

from collections.abc import Sequence

import torch
from mmengine.evaluator import BaseMetric
from mmengine.registry import METRICS

from ..early_exit import label_rank
from ..errors import UserError


@METRICS.register_module()
class MultiExitAccuracy(BaseMetric):
    """Top-k accuracy in percent per named exit, as ``accuracy/EXIT_topK``.

    Reads what `MultiExitHead.predict` writes.

    Args:
        topk: The k, or several. Each must be at most the number of classes.
        collect_device: As in mmengine.
        prefix: As in mmengine.
    """

    default_prefix = 'accuracy'

    def __init__(
        self, topk: Sequence[int] = (1, 5), collect_device: str = 'cpu', prefix: str | None = None
    ):
        super().__init__(collect_device=collect_device, prefix=prefix)
        self.topk = (topk,) if isinstance(topk, int) else tuple(topk)

    def process(self, data_batch, data_samples: Sequence[dict]) -> None:
        """Keep, per sample and exit, how many classes score above the right one.

        Raises:
            UserError: The model's head is not a `MultiExitHead`, k exceeds the classes, or a label
                is no class of the network.
        """
        for sample in data_samples:
            if 'exit_scores' not in sample:
                raise UserError('MultiExitAccuracy needs a model whose head is a MultiExitHead')
            if 'gt_label' not in sample:
                raise UserError('the pictures have no labels, so there is no accuracy to measure')
            scores, label = sample['exit_scores'], sample['gt_label']
            if max(self.topk) > scores.shape[1]:
                raise UserError(
                    f'MultiExitAccuracy(topk={self.topk}): there are only {scores.shape[1]} '
                    'classes; lower topk in val_evaluator and test_evaluator'
                )
            if label.item() >= scores.shape[1]:
                raise UserError(
                    f'a picture has label {label.item()}, but the network has only '
                    f'{scores.shape[1]} classes, numbered from 0'
                )
            self.results.append((sample['exit_names'], label_rank(scores, label).cpu()))

    def compute_metrics(self, results: list) -> dict[str, float]:
        """Mean over the samples."""
        exit_names = results[0][0]
        ranks = torch.stack([rank for _, rank in results])  # (N, exits)
        return {
            f'{name}_top{k}': 100 * (ranks[:, i] < k).double().mean().item()
            for i, name in enumerate(exit_names)
            for k in self.topk
        }
