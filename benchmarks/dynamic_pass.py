"""One pass of a trained classifier over a split in which samples really leave early."""

from dataclasses import dataclass

import numpy as np
import torch
from torch import nn
from torch.utils.data import DataLoader

from dynp_plugins.early_exit import ExitPolicy
from dynp_plugins.early_exit.engine import EarlyExitEngine
from dynp_plugins.openmmlab.classifiers import multi_exit_network

from .split_batches import evaluating, labelled_batches
from .trained_model import TrainedModel


@dataclass(frozen=True)
class DynamicPass:
    """What became of N samples.

    Attributes:
        exit: (N,) index of the exit where each left.
        prediction: (N,) predicted class.
        label: (N,) right class.
    """

    exit: np.ndarray
    prediction: np.ndarray
    label: np.ndarray


def check_policy(model: TrainedModel, policy: ExitPolicy) -> None:
    """Refuse a policy that was made for another model.

    Raises:
        UserError: Exits or weights differ.
    """
    policy.check_network(model.network.exit_names, weights_sha256=model.checkpoint_record.sha256)


def policy_metrics(model: TrainedModel, policy: ExitPolicy) -> dict[str, float]:
    """Accuracy in percent, mean cost and exit shares on the test split, as ``early_exit/...``.

    Raises:
        UserError: The policy was made for other weights; or see `run_dynamic_pass`.
    """
    check_policy(model, policy)
    (loader,) = model.build_splits(('test',)).values()
    found = run_dynamic_pass(model.classifier, loader, policy, 'test')
    metrics = policy.metrics(found.exit, found.prediction == found.label)
    return {f'early_exit/{name}': value for name, value in metrics.items()}


def run_dynamic_pass(
    classifier: nn.Module, loader: DataLoader, policy: ExitPolicy, split: str
) -> DynamicPass:
    """Run the early-exit engine on every sample of a split.

    Args:
        classifier: What `multi_exit_network` takes, on any device; its mode is restored.
        loader: Data loader of the split.
        policy: When samples leave.
        split: Name for messages and progress.

    Raises:
        UserError: The policy is for another network or another shape of samples; or see
            `labelled_batches`.
    """
    columns: dict[str, list[torch.Tensor]] = {'exit': [], 'prediction': [], 'label': []}
    title = f'{split} split, with early exits'
    with evaluating(classifier):
        engine = EarlyExitEngine(multi_exit_network(classifier), policy)
        for batch in labelled_batches(classifier, loader, split, title):
            policy.check_input_shape(batch.shape)
            result = engine(batch.images, group_size=batch.group_size)
            columns['exit'].append(result.exit)
            columns['prediction'].append(result.prediction)
            columns['label'].append(batch.labels)
    return DynamicPass(**{name: torch.cat(part).cpu().numpy() for name, part in columns.items()})
