"""Accuracy of every exit, for everybody ("anytime" accuracy)."""

from collections.abc import Sequence

import numpy as np
import torch
from mmengine.evaluator import BaseMetric
from mmengine.registry import METRICS

from ..early_exit import class_means, label_rank
from ..errors import UserError


@METRICS.register_module()
class MultiExitAccuracy(BaseMetric):
    """Top-k accuracy in percent per named exit, as ``accuracy/EXIT_topK``.

    Reads what `MultiExitHead` and `MultiExitVideoHead` write.

    Args:
        topk: The k, or several. Each must be at most the number of classes.
        mean_class: Also the mean class accuracy, as ``accuracy/EXIT_mean1``: the mean over the
            classes of the share of their samples that are right, which counts rare classes as
            much as frequent ones.
        collect_device: As in mmengine.
        prefix: As in mmengine.
    """

    default_prefix = 'accuracy'

    def __init__(
        self,
        topk: Sequence[int] = (1, 5),
        mean_class: bool = False,
        collect_device: str = 'cpu',
        prefix: str | None = None,
    ):
        super().__init__(collect_device=collect_device, prefix=prefix)
        self.topk = (topk,) if isinstance(topk, int) else tuple(topk)
        self.mean_class = mean_class

    def process(self, data_batch, data_samples: Sequence[dict]) -> None:
        """Keep, per sample and exit, how many classes score above the right one.

        Raises:
            UserError: The model's head is not a `MultiExitHead`, k exceeds the classes, or a label
                is no class of the network.
        """
        for sample in data_samples:
            if 'exit_scores' not in sample:
                raise UserError('MultiExitAccuracy needs a model whose head is a MultiExitHead')
            # mmaction2's samples without a label have -1.
            if 'gt_label' not in sample or sample['gt_label'].min() < 0:
                raise UserError('the samples have no labels, so there is no accuracy to measure')
            scores, label = sample['exit_scores'], sample['gt_label']
            if max(self.topk) > scores.shape[1]:
                raise UserError(
                    f'MultiExitAccuracy(topk={self.topk}): there are only {scores.shape[1]} '
                    'classes; lower topk in val_evaluator and test_evaluator'
                )
            if label.item() >= scores.shape[1]:
                raise UserError(
                    f'a sample has label {label.item()}, but the network has only '
                    f'{scores.shape[1]} classes, numbered from 0'
                )
            rank = label_rank(scores, label).cpu()
            self.results.append((sample['exit_names'], rank, label.item()))

    def compute_metrics(self, results: list) -> dict[str, float]:
        """Mean over the samples, and over the classes that have any."""
        exit_names = results[0][0]
        ranks = torch.stack([rank for _, rank, _ in results])  # (N, exits)
        metrics = {
            f'{name}_top{k}': 100 * (ranks[:, i] < k).double().mean().item()
            for i, name in enumerate(exit_names)
            for k in self.topk
        }
        if self.mean_class:
            labels = np.array([label for _, _, label in results])
            means = class_means(100 * (ranks < 1).numpy(), labels)
            for name, mean in zip(exit_names, means.tolist(), strict=True):
                metrics[f'{name}_mean1'] = mean
        return metrics
