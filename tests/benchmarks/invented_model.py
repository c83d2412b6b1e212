"""A network whose answers are written into its images, and whose steps take invented time."""

import numpy as np
import torch
from torch import nn

from benchmarks.timed_models import TimedModel, TimedPolicy
from dynp_plugins.early_exit import (
    ALWAYS,
    ExitPolicy,
    ExitTableBuilder,
    choose_policies,
    fold_frames,
    group_consensus,
    on_calibration,
)

EXITS = ('a', 'b', 'c')
GMACS = (1.0, 2.0, 4.0)


class InventedNetwork(nn.Module):
    """Exit k says of image i what ``images[i, 0, 0, k]`` is: positive is class 0, larger is surer.

    Args:
        log: Gets ``(name, 'start', images)`` and ``(name, k, images)`` for all that runs.
        now: A list with one number, the seconds so far; steps add to it.
        seconds: Of each step, for one image; the start takes none.
        overhead: Seconds of a step for any number of images.
    """

    exit_names = EXITS
    num_segments = 1

    def __init__(self, log, now, seconds=GMACS, overhead=0.0, name='net'):
        super().__init__()
        self.log, self.now, self.name = log, now, name
        self.steps = np.diff([0.0, *seconds])
        self.overhead = overhead
        self.slowness = 1.0

    def start(self, images):
        self.log.append((self.name, 'start', len(images)))
        return {'images': images}

    def step(self, k, state, previous_logits):
        images = state['images']
        self.log.append((self.name, k, len(images)))
        self.now[0] += self.slowness * (self.overhead + self.steps[k] * len(images))
        score = images[:, 0, 0, k]
        return state, torch.stack([score, -score], 1)


def invented_images(count, seed=0, frames=()):
    """(count, 3, 2, 3) with a score per exit; of videos (count, *frames, 3, 2, 3)."""
    random = np.random.default_rng(seed)
    return torch.tensor(random.normal(0, 2, (count, *frames, 3, 2, 3)), dtype=torch.float32)


def invented_table(images, split='test', **manifest):
    """The exit table of the network on some images."""
    network, builder, logits = InventedNetwork([], [0.0]), ExitTableBuilder(), []
    folded, group_size = fold_frames(images)
    for k in range(len(EXITS)):
        of_images = network.step(k, network.start(folded), logits)[1]
        logits.append(group_consensus(of_images, group_size))
    count = len(images)
    builder.add(logits, torch.zeros(count, dtype=torch.long), [bytes(16)] * count, [''] * count)
    return builder.build(
        split=split,
        exit_names=list(EXITS),
        exit_gmacs=list(GMACS),
        classes=2,
        index_sha256=f'pictures of {split}',
        **{'model': 'net', 'weights_sha256': 'w' * 64, **manifest},
    )


def invented_model(network, count=40, budgets=(2.0, 3.0), thresholds=(), frames=()):
    """A `TimedModel`.

    Args:
        network: The network.
        count: Test images.
        budgets: Thresholds are chosen for them on other images.
        thresholds: Of a policy by hand, if there are any.
        frames: ``(M,)`` for videos of M frames.
    """
    calibration = invented_table(invented_images(100, 1, frames), 'calibration', model=network.name)
    images = invented_images(count, frames=frames)
    policies = [TimedPolicy(policy) for policy in choose_policies(calibration, budgets)]
    if thresholds:
        policy = ExitPolicy(EXITS, 'max_softmax', (*thresholds, ALWAYS))
        policies.append(TimedPolicy(on_calibration(policy, calibration), 'mine.json'))
    return TimedModel(
        name=network.name,
        config_sha256='c' * 64,
        weights_sha256='w' * 64,
        network=network.eval(),
        images=images,
        policies=policies,
        test=invented_table(images, model=network.name),
        exit_gmacs=list(GMACS),
    )
