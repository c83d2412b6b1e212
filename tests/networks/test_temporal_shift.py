"""Temporal shift: against a plain loop, at clip borders, in the blocks of every CNN family."""

import pytest
import torch
from torch import nn
from torchvision.models.mobilenetv3 import InvertedResidual

from benchmarks.macs import exit_costs
from dynp_plugins import UserError, create_model
from dynp_plugins.networks.feature_branches import build_feature_branch, list_feature_branches
from dynp_plugins.networks.temporal_shift import (
    TemporalShiftConv2d,
    shift_residual_blocks,
    temporal_shift,
)

TINY = dict(num_classes=5, latent_grid=2)


def plain_shift(x, num_segments, shift_div):
    """Element by element: what the paper's figure 1 shows."""
    out = torch.zeros_like(x)
    fold = x.shape[-1] // shift_div
    for b in range(len(x)):
        place = b % num_segments
        for c in range(x.shape[-1]):
            if c < fold:
                source = 1
            elif c < 2 * fold:
                source = -1
            else:
                source = 0
            if 0 <= place + source < num_segments:
                out[b, ..., c] = x[b + source, ..., c]
    return out


@pytest.mark.parametrize('shape', [(6, 8), (12, 5, 9), (8, 3, 4, 17)])
@pytest.mark.parametrize('num_segments', [1, 2, 4])
@pytest.mark.parametrize('shift_div', [2, 3, 8])
def test_equals_a_plain_loop(shape, num_segments, shift_div):
    x = torch.randn(shape)[: shape[0] // num_segments * num_segments]
    shifted = temporal_shift(x, num_segments, shift_div)
    assert torch.equal(shifted, plain_shift(x, num_segments, shift_div))


def test_borders_of_a_clip_are_zeros():
    clips = torch.arange(1.0, 7.0)[:, None].expand(6, 4)  # two clips of three frames, 1 .. 6
    later, earlier, kept, _ = temporal_shift(clips, 3, 4).T
    assert later.tolist() == [2, 3, 0, 5, 6, 0]
    assert earlier.tolist() == [0, 1, 2, 0, 4, 5]
    assert kept.tolist() == [1, 2, 3, 4, 5, 6]


def test_gradients_go_back_where_values_came_from():
    x = torch.randn(4, 6, dtype=torch.float64, requires_grad=True)
    assert torch.autograd.gradcheck(lambda x: temporal_shift(x, 2, 3), x)


@pytest.mark.parametrize('arch', list_feature_branches())
@torch.no_grad()
def test_every_residual_block_shifts_before_its_first_convolution(arch):
    """Against blocks whose first convolution is given what the plain loop has shifted."""
    torch.manual_seed(0)
    branch = build_feature_branch(arch).eval()
    reference = build_feature_branch(arch).eval()
    reference.load_state_dict(branch.state_dict())
    shift_residual_blocks(branch, num_segments=2, shift_div=8)
    assert branch.state_dict().keys() == reference.state_dict().keys()
    shifted = {n for n, m in branch.named_modules() if isinstance(m, TemporalShiftConv2d)}
    first_of_blocks = {
        name: module for name, module in reference.named_modules() if name in shifted
    }
    for module in first_of_blocks.values():
        module.register_forward_pre_hook(
            lambda _, args: (plain_shift(args[0].movedim(1, -1), 2, 8).movedim(-1, 1),)
        )
    images = torch.randn(4, 3, 32, 32)
    x, expected = branch.stem(images), reference.stem(images)
    for stage, plain in zip(branch.stages, reference.stages, strict=True):
        x, expected = stage(x), plain(expected)
    torch.testing.assert_close(x, expected)


@pytest.mark.parametrize(
    ('arch', 'blocks', 'first'),
    [
        ('resnet18', 8, 'stages.0.0.conv1'),
        ('resnet50', 16, 'stages.0.0.conv1'),
        ('regnety_400mf', 16, 'stages.0.block1-0.f.a.0'),
        ('mobilenetv3', 10, 'stem.1.block.0.0'),
    ],
)
def test_which_convolutions_are_shifted(arch, blocks, first):
    branch = build_feature_branch(arch)
    shift_residual_blocks(branch, num_segments=8, shift_div=8)
    shifted = [n for n, m in branch.named_modules() if isinstance(m, TemporalShiftConv2d)]
    assert len(shifted) == blocks
    assert shifted[0] == first


def test_blocks_without_a_shortcut_keep_their_frames():
    branch = build_feature_branch('mobilenetv3')
    shift_residual_blocks(branch, num_segments=8, shift_div=8)
    for block in branch.modules():
        if isinstance(block, InvertedResidual):
            assert isinstance(block.block[0][0], TemporalShiftConv2d) == block.use_res_connect


def test_a_shifted_convolution_keeps_its_weights_and_settings():
    plain = nn.Conv2d(8, 6, 3, stride=2, padding=1, dilation=1, groups=2, bias=True)
    shifted = TemporalShiftConv2d(plain, 2, 4)
    assert shifted.weight is plain.weight
    assert shifted.bias is plain.bias
    x = torch.randn(4, 8, 5, 5)
    expected = plain(plain_shift(x.movedim(1, -1), 2, 4).movedim(-1, 1))
    torch.testing.assert_close(shifted(x), expected)


@pytest.fixture(
    scope='module',
    params=[
        {},
        dict(latent_shift=True),
        dict(latent_shift=True, is_shift=False),
    ],
    ids=['CNN', 'both branches', 'latent branch'],
)
def clip_network(request):
    torch.manual_seed(0)
    settings = dict(num_segments=4, **request.param)
    return create_model('dyn_perceiver_regnety_tiny', **TINY, **settings).eval()


@torch.no_grad()
def test_a_video_does_not_depend_on_the_others_in_its_batch(clip_network):
    videos = torch.randn(12, 3, 32, 32)
    together = clip_network(videos)
    for i in range(3):
        alone = clip_network(videos[4 * i : 4 * i + 4])
        for logits, of_one in zip(together, alone, strict=True):
            torch.testing.assert_close(logits[4 * i : 4 * i + 4], of_one)


@torch.no_grad()
def test_frames_of_a_clip_see_each_other(clip_network):
    video = torch.randn(4, 3, 32, 32)
    changed = video.clone()
    changed[3] += 1
    for logits, others in zip(clip_network(video), clip_network(changed), strict=True):
        assert not torch.equal(logits[2], others[2])


@torch.no_grad()
def test_frames_are_on_their_own_without_shift():
    network = create_model('dyn_perceiver_regnety_tiny', **TINY, num_segments=4, is_shift=False)
    video = torch.randn(4, 3, 32, 32)
    for logits, alone in zip(
        network.eval()(video), network(video[1:2].repeat(4, 1, 1, 1)), strict=True
    ):
        torch.testing.assert_close(logits[1], alone[0])


def test_shift_costs_no_multiply_adds():
    frames = exit_costs(create_model('dyn_perceiver_regnety_tiny', **TINY), (8, 3, 32, 32))
    picture = exit_costs(create_model('dyn_perceiver_regnety_tiny', **TINY), (3, 32, 32))
    for latent_shift in (False, True):
        settings = dict(num_segments=8, latent_shift=latent_shift)
        shifted = create_model('dyn_perceiver_regnety_tiny', **TINY, **settings)
        costs = exit_costs(shifted, (8, 3, 32, 32))
        assert [c.macs for c in costs] == [c.macs for c in frames] == [8 * c.macs for c in picture]


def test_weights_of_pictures_fit_a_network_for_videos():
    pictures = create_model('dyn_perceiver_regnety_tiny', **TINY)
    videos = create_model('dyn_perceiver_regnety_tiny', **TINY, num_segments=8, latent_shift=True)
    videos.load_state_dict(pictures.state_dict())


@pytest.mark.parametrize(
    ('settings', 'message'),
    [
        (dict(num_segments=0), 'num_segments=0: give a whole number of at least 1'),
        (dict(num_segments=True), 'num_segments=True'),
        (dict(num_segments=8, shift_div=1), 'shift_div=1: give a whole number of at least 2'),
        (dict(num_segments=8, shift_div=64), 'a block has only 16 channels'),
        (
            dict(num_segments=8, shift_div=64, is_shift=False, latent_shift=True),
            'shift_div=64: a block has only 16 channels',
        ),
        (dict(num_segments=8, is_shift='no'), "is_shift='no': give True or False"),
        (dict(num_segments=8, latent_shift=1), 'latent_shift=1: give True or False'),
    ],
)
def test_impossible_settings(settings, message):
    with pytest.raises(UserError, match=message):
        create_model('dyn_perceiver_regnety_tiny', **TINY, **settings)


def test_half_a_clip_is_refused(clip_network):
    with pytest.raises(UserError, match='6 images are no whole number of clips of num_segments=4'):
        clip_network(torch.randn(6, 3, 32, 32))
