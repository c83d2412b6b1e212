"""The labelled samples of a split, batch by batch, as a network takes them."""

import copy
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import torch
from mmengine.config import Config
from mmengine.runner import Runner
from torch import Tensor, nn
from torch.utils.data import DataLoader

from dynp_plugins.early_exit import fold_frames
from dynp_plugins.errors import UserError
from dynp_plugins.openmmlab.recognizers import check_sampled_frames, frames_seen_together

from .progress import track


@dataclass(frozen=True, eq=False)
class LabelledBatch:
    """B samples.

    Attributes:
        stored: B tensors as the pipeline makes them, of one shape, (3, H, W) or (M, 3, H, W).
        images: (B, 3, H, W) or (B * M, 3, H, W) behind the data preprocessor.
        group_size: Images per sample, 1 or M.
        labels: (B,) right classes.
        data_samples: B of them, with what the pipeline says of each sample.
    """

    stored: list[Tensor]
    images: Tensor
    group_size: int
    labels: Tensor
    data_samples: list

    @property
    def shape(self) -> tuple[int, ...]:
        """Of one sample."""
        return tuple(self.stored[0].shape)


def build_split(config: Config, split: str) -> DataLoader:
    """The data loader ``config.{split}_dataloader``; samples come in the order of the data set."""
    loader = copy.deepcopy(dict(config[f'{split}_dataloader']))
    # Samples of different sizes are to be reported, not stumbled over.
    loader['collate_fn'] = dict(type='pseudo_collate')
    loader.setdefault('sampler', dict(type='DefaultSampler', shuffle=False))
    if loader['sampler'].get('shuffle', True):
        raise UserError(f'{split}_dataloader shuffles: set sampler=dict(shuffle=False)')
    seed = config.get('randomness', {}).get('seed')
    return Runner.build_dataloader(loader, seed=seed)


def labelled_batches(
    classifier: nn.Module, loader: DataLoader, split: str, title: str
) -> Iterator[LabelledBatch]:
    """Read a split.

    Args:
        classifier: Whose data preprocessor makes the images, on any device.
        loader: Data loader of the split.
        split: Name for messages.
        title: Name for the progress.

    Raises:
        UserError: The split is empty, samples differ in size, have no label, or are videos that
            are no whole number of clips.
    """
    together = frames_seen_together(getattr(classifier, 'backbone', None))
    shapes: set[tuple[int, ...]] = set()
    for batch in track(loader, title):
        stored = list(batch['inputs'])
        shapes.update(tuple(sample.shape) for sample in stored)
        if len(shapes) > 1:
            raise UserError(
                f'samples of the {split} split reach the network in different sizes, such as '
                f'{sorted(shapes)[:3]}, so that an exit has no one cost: crop or resize them to '
                f'one size in the pipeline of {split}_dataloader'
            )
        data = classifier.data_preprocessor(batch, training=False)
        images, group_size = fold_frames(data['inputs'])
        check_sampled_frames(group_size, together, split)
        labels = _labels(data['data_samples'], split)
        yield LabelledBatch(stored, images, group_size, labels, data['data_samples'])
    if not shapes:
        raise UserError(f'the {split} split is empty')


@contextmanager
def evaluating(model: nn.Module) -> Iterator[None]:
    """Put a model into eval mode for a while; every module gets its own mode back."""
    modes = {module: module.training for module in model.modules()}
    model.eval()
    try:
        yield
    finally:
        model.train(modes[model])  # which drops what a module keeps of its weights in eval mode
        for module, training in modes.items():
            module.training = training


def _labels(data_samples: list, split: str) -> Tensor:
    if 'gt_label' not in data_samples[0]:
        raise UserError(f'the {split} split has no labels')
    labels = torch.cat([sample.gt_label for sample in data_samples])
    if labels.min() < 0:  # what mmaction2 gives a sample without a label
        raise UserError(f'the {split} split has samples without a label ({labels.min()})')
    return labels
