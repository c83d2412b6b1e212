"""One pass of a trained classifier over one split, into an exit table."""

import copy
import hashlib
import os
from collections.abc import Collection

import torch
from mmengine.config import Config
from mmengine.runner import Runner
from mmengine.structures import BaseDataElement
from torch import nn
from torch.utils.data import DataLoader

from dynp_plugins.early_exit import ExitTable, ExitTableBuilder, fold_frames, group_consensus
from dynp_plugins.errors import UserError
from dynp_plugins.openmmlab.classifiers import multi_exit_network

from .progress import track
from .provenance import picture_digest


def build_split(config: Config, split: str) -> DataLoader:
    """The data loader ``config.{split}_dataloader``; samples come in the order of the data set."""
    loader = copy.deepcopy(dict(config[f'{split}_dataloader']))
    # Pictures of different sizes are to be reported, not stumbled over.
    loader['collate_fn'] = dict(type='pseudo_collate')
    loader.setdefault('sampler', dict(type='DefaultSampler', shuffle=False))
    if loader['sampler'].get('shuffle', True):
        raise UserError(f'{split}_dataloader shuffles: set sampler=dict(shuffle=False)')
    seed = config.get('randomness', {}).get('seed')
    return Runner.build_dataloader(loader, seed=seed)


@torch.no_grad()
def run_exit_pass(classifier: nn.Module, loader: DataLoader, split: str) -> ExitTable:
    """Run all exits on every sample of a split.

    Args:
        classifier: What `multi_exit_network` takes, on any device; its mode is restored.
        loader: Data loader of the split.
        split: Name for messages, progress and the manifest.

    Returns:
        The table; its manifest holds ``split``, ``exit_names``, ``classes``, ``input_shape`` and
        ``index_sha256``, a hash over all pictures in order.

    Raises:
        UserError: The split is empty, pictures differ in size, or samples have no label.
    """
    network = multi_exit_network(classifier)
    training = classifier.training
    classifier.eval()
    builder, index_hash, shapes, classes = ExitTableBuilder(), hashlib.sha256(), set(), 0
    try:
        for batch in track(loader, f'{split} split'):
            shapes.update(tuple(image.shape) for image in batch['inputs'])
            check_one_size(shapes, split)
            pictures = [picture_digest(image.numpy()) for image in batch['inputs']]
            index_hash.update(b''.join(pictures))
            data = classifier.data_preprocessor(batch, training=False)
            samples = data['data_samples']
            if 'gt_label' not in samples[0]:
                raise UserError(f'the {split} split has no labels')
            labels = torch.cat([sample.gt_label for sample in samples])
            images, group_size = fold_frames(data['inputs'])
            logits = [group_consensus(of_exit, group_size) for of_exit in network(images)]
            builder.add(logits, labels, pictures, [_source(sample) for sample in samples])
            classes = logits[0].shape[1]
    finally:
        classifier.train(training)
    if not shapes:
        raise UserError(f'the {split} split is empty')
    return builder.build(
        split=split,
        exit_names=list(network.exit_names),
        classes=classes,
        input_shape=list(shapes.pop()),
        index_sha256=index_hash.hexdigest(),
    )


def check_one_size(shapes: Collection[tuple[int, ...]], split: str) -> None:
    """Refuse pictures of different sizes.

    Args:
        shapes: (channels, height, width) of the pictures, or (frames, channels, height, width) of
            the videos.
        split: Name for the message.

    Raises:
        UserError: There are several.
    """
    if len(shapes) > 1:
        raise UserError(
            f'pictures of the {split} split reach the network in different sizes, such as '
            f'{sorted(shapes)[:3]}, so that an exit has no one cost: crop or resize them '
            f'to one size in the pipeline of {split}_dataloader'
        )


def _source(sample: BaseDataElement) -> str:
    """Absolute path of the sample's file, links resolved; for data without files its name."""
    names = (sample.get(key) for key in ('img_path', 'filename', 'frame_dir'))
    path = next(filter(None, names), '')
    return os.path.realpath(path) if os.path.exists(path) else path
