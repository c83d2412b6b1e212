"""One pass of a trained classifier over one split, into an exit table."""

import hashlib
import os

import torch
from mmengine.structures import BaseDataElement
from torch import nn
from torch.utils.data import DataLoader

from dynp_plugins.early_exit import ExitTable, ExitTableBuilder, group_consensus
from dynp_plugins.openmmlab.classifiers import multi_exit_network

from .provenance import picture_digest
from .split_batches import evaluating, labelled_batches


@torch.no_grad()
def run_exit_pass(classifier: nn.Module, loader: DataLoader, split: str) -> ExitTable:
    """Run all exits on every sample of a split.

    Args:
        classifier: What `multi_exit_network` takes, on any device; its mode is restored.
        loader: Data loader of the split.
        split: Name for messages, progress and the manifest.

    Returns:
        The table; its manifest holds ``split``, ``exit_names``, ``classes``, ``input_shape`` and
        ``index_sha256``, a hash over all samples in order.

    Raises:
        UserError: See `labelled_batches`.
    """
    builder, index_hash, shape, classes = ExitTableBuilder(), hashlib.sha256(), (), 0
    seen = 0
    with evaluating(classifier):
        network = multi_exit_network(classifier)
        for batch in labelled_batches(classifier, loader, split, f'{split} split'):
            digests = [picture_digest(sample.numpy()) for sample in batch.stored]
            index_hash.update(b''.join(digests))
            of_images = network(batch.images)
            logits = [group_consensus(of_exit, batch.group_size) for of_exit in of_images]
            sources = [
                _source(sample) or _source(_info(loader, seen + i))
                for i, sample in enumerate(batch.data_samples)
            ]
            builder.add(logits, batch.labels, digests, sources)
            seen += len(sources)
            shape, classes = batch.shape, logits[0].shape[1]
    return builder.build(
        split=split,
        exit_names=list(network.exit_names),
        classes=classes,
        input_shape=list(shape),
        index_sha256=index_hash.hexdigest(),
    )


def _info(loader: DataLoader, index: int) -> dict:
    """What the data set says of a sample, for pipelines that keep no path, as mmaction2's do."""
    get_data_info = getattr(getattr(loader, 'dataset', None), 'get_data_info', None)
    return {} if get_data_info is None else get_data_info(index)


def _source(sample: BaseDataElement | dict) -> str:
    """Absolute path of the sample's file, links resolved; for data without files its name."""
    names = (sample.get(key) for key in ('img_path', 'filename', 'frame_dir'))
    path = next(filter(None, names), '')
    return os.path.realpath(path) if os.path.exists(path) else path
