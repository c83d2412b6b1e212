"""Frames folded into a batch, the consensus of their logits, and networks that see whole clips."""

import pytest
import torch

from dynp_plugins import UserError, create_model
from dynp_plugins.early_exit import (
    ALWAYS,
    EarlyExitEngine,
    ExitPolicy,
    fold_frames,
    group_consensus,
)


def test_pictures_stay_as_they_are():
    pictures = torch.randn(4, 3, 2, 2)
    images, group_size = fold_frames(pictures)
    assert images is pictures
    assert group_size == 1


def test_frames_of_a_video_lie_one_behind_the_other():
    images, group_size = fold_frames(torch.arange(6.0).view(2, 3, 1, 1, 1))
    assert images.flatten().tolist() == [0, 1, 2, 3, 4, 5]
    assert images.shape == (6, 1, 1, 1)
    assert group_size == 3


def test_other_shapes_are_refused():
    with pytest.raises(UserError, match=r'not \(3, 2, 2\)'):
        fold_frames(torch.zeros(3, 2, 2))


def test_consensus_is_the_mean_of_a_group():
    logits = torch.tensor([[1.0, 5.0], [3.0, 1.0], [0.0, 0.0], [2.0, 8.0]])
    assert group_consensus(logits, 2).tolist() == [[2, 3], [1, 4]]
    assert group_consensus(logits, 1) is logits
    assert group_consensus(logits.half(), 2).dtype == torch.float32
    assert group_consensus(logits.double(), 2).dtype == torch.float64


def test_a_sample_holds_whole_clips():
    network = create_model(
        'dyn_perceiver_regnety_tiny', num_classes=5, latent_grid=2, num_segments=4
    ).eval()
    policy = ExitPolicy(network.exit_names, 'max_softmax', (0.5, 0.5, 0.5, ALWAYS))
    for group_size in (1, 6):
        with pytest.raises(UserError, match=f'group_size={group_size}: the network sees the 4'):
            EarlyExitEngine(network, policy, group_size=group_size)
    engine = EarlyExitEngine(network, policy)
    assert engine.group_size == 4
    with pytest.raises(UserError, match='group_size=2: the network sees the 4 frames of a clip'):
        engine(torch.randn(8, 3, 32, 32), group_size=2)
    assert len(engine(torch.randn(16, 3, 32, 32), group_size=8)) == 2  # two clips of each video
