"""Hooks: checks that stop a run early, random numbers that survive a resume, other pipelines."""

import random

import numpy as np
import torch
from mmengine.dataset import Compose
from mmengine.dist import get_rank
from mmengine.hooks import Hook
from mmengine.registry import FUNCTIONS, HOOKS
from torch import nn
from torch.utils.data import Dataset

from ..dataset_wrappers import reading_datasets
from ..errors import UserError
from .classifiers import classification_head, is_video_model
from .detectors import box_heads, is_detector
from .recognizers import check_sampled_frames, frames_seen_together
from .run_start import unwrapped


@HOOKS.register_module()
class NonFiniteLossHook(Hook):
    """Stop training when a loss is NaN or infinite, before a checkpoint of it can be written.

    Args:
        interval: Look every so many iterations. Looking waits for a GPU to finish.
    """

    priority = 'VERY_HIGH'

    def __init__(self, interval: int = 1):
        self.interval = interval

    def after_train_iter(self, runner, batch_idx, data_batch=None, outputs=None) -> None:
        """Check the losses of this iteration.

        Raises:
            UserError: One is not finite; the message names it, the iteration and the epoch.
        """
        if not self.every_n_train_iters(runner, self.interval):
            return
        broken = [
            name for name, value in (outputs or {}).items() if not torch.isfinite(value).all()
        ]
        if broken:
            raise UserError(
                f'{", ".join(broken)} is not finite at iteration {runner.iter + 1} (epoch '
                f'{runner.epoch + 1}, batch {batch_idx + 1}); training stops and checkpoints '
                'written before stay. Lower optim_wrapper.optimizer.lr, clip gradients with '
                'optim_wrapper.clip_grad, or look for broken pictures and labels'
            )


@HOOKS.register_module()
class ClassCountHook(Hook):
    """Before a run starts, compare the data's classes with those of the model's head."""

    priority = 'VERY_HIGH'

    def before_train(self, runner) -> None:
        """Check the training set and, for a detector, the validation split.

        Raises:
            UserError: See `check_class_count`.
        """
        model = unwrapped(runner.model)
        check_class_count(model, runner.train_dataloader.dataset, 'training set')
        if is_detector(model) and runner.val_loop is not None:
            check_class_count(model, runner.val_dataloader.dataset, 'validation split')

    def before_test(self, runner) -> None:
        """Check the test split of a detector.

        Raises:
            UserError: See `check_class_count`.
        """
        model = unwrapped(runner.model)
        if is_detector(model):
            check_class_count(model, runner.test_dataloader.dataset, 'test split')


def check_class_count(model: nn.Module, dataset: Dataset, split: str) -> None:
    """Compare the classes that a data set names, if it does, with ``num_classes`` of the head.

    Args:
        model: A classifier, or a detector.
        dataset: Of mmengine's kind.
        split: What it is, for the message.

    Raises:
        UserError: The data has more classes than the head; or fewer, for a detector, whose metric
            could not name all that it finds.
    """
    classes = dataset.metainfo.get('classes')
    if is_detector(model):
        heads = box_heads(model)
    else:
        heads = {
            'model.cls_head' if is_video_model(model) else 'model.head': classification_head(model)
        }
    for entry, head in heads.items():
        num_classes = getattr(head, 'num_classes', None)
        if not classes or not num_classes:
            continue
        if len(classes) > num_classes or (is_detector(model) and len(classes) < num_classes):
            raise UserError(
                f'the {split} has {len(classes)} classes, but {entry}.num_classes is '
                f'{num_classes}: set it to {len(classes)}'
            )


@HOOKS.register_module()
class WholeClipsHook(Hook):
    """Compare the frames of each batch's videos with those that the network sees together.

    `train` and `test` of `dynp_plugins.openmmlab.runs` always have it.
    """

    priority = 'VERY_HIGH'

    def _before_iter(self, runner, batch_idx, data_batch=None, mode='train') -> None:
        """Check a batch, of pictures (3, H, W) or videos (M, 3, H, W), before the network runs.

        Raises:
            UserError: See `check_sampled_frames`.
        """
        together = frames_seen_together(getattr(unwrapped(runner.model), 'backbone', None))
        if together > 1:
            shape = data_batch['inputs'][0].shape
            check_sampled_frames(shape[0] if len(shape) == 4 else 1, together, mode)


@HOOKS.register_module()
class EpochSeedHook(Hook):
    """Seed all random number generators anew at each epoch, from the run's seed and the epoch.

    An epoch's augmentations, mixup draws and dropout then do not depend on whether the run was
    interrupted before it. Data loader workers follow if they are not persistent and use
    `seed_worker`.
    """

    priority = 'VERY_HIGH'

    def before_train_epoch(self, runner) -> None:
        """Seed `random`, NumPy and torch; ranks differ."""
        sequence = np.random.SeedSequence([runner.seed, runner.epoch, get_rank()])
        _seed_all(int(sequence.generate_state(1)[0]))


@HOOKS.register_module()
class SwitchPipelineHook(Hook):
    """From an epoch on, read the training set through another pipeline.

    mmdet's `PipelineSwitchHook` does so for a dataset that reads files itself. This one looks into
    those that cut or join others, such as `HeldOut`.

    Args:
        epoch: The first one, from 0, with the other pipeline.
        pipeline: Its transforms.
    """

    def __init__(self, epoch: int, pipeline: list[dict]):
        self.epoch = epoch
        self.pipeline = pipeline
        self._switched = False

    def before_train_epoch(self, runner) -> None:
        """Switch, if it is time and has not been done."""
        if runner.epoch < self.epoch or self._switched:
            return
        loader = runner.train_dataloader
        for dataset in reading_datasets(loader.dataset):
            dataset.pipeline = Compose(self.pipeline)
        loader._iterator = None  # persistent workers have the dataset as it was
        self._switched = True
        runner.logger.info(
            f'the training set is read through another pipeline from epoch {runner.epoch + 1} on'
        )


@FUNCTIONS.register_module()
def seed_worker(worker_id: int) -> None:
    """``worker_init_fn`` that takes the seed torch drew for this worker and epoch.

    mmengine's default gives a worker the same seed in every epoch, so that each epoch repeats the
    augmentations of the first.
    """
    _seed_all(torch.initial_seed() % 2**32)


def _seed_all(seed: int) -> None:
    random.seed(seed)
    np.random.seed(seed)
    torch.manual_seed(seed)
