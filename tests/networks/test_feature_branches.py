"""The CNNs under the Dyn-Perceivers: equal to torchvision's, at every published width."""

import subprocess
import sys

import pytest
import torch
import torchvision
from torch import nn

from dynp_plugins import UserError, create_model
from dynp_plugins.networks.feature_branches import (
    build_feature_branch,
    list_feature_branches,
    list_widths,
)
from dynp_plugins.networks.feature_branches.resnet import NarrowProjection

ALL_WIDTHS = [(arch, width) for arch in list_feature_branches() for width in list_widths(arch)]


@pytest.mark.parametrize(('arch', 'width'), ALL_WIDTHS)
@torch.no_grad()
def test_channels_and_strides_are_what_the_stages_take_and_give(arch, width):
    branch = build_feature_branch(arch, width).eval()
    x = branch.stem(torch.randn(1, 3, 64, 64))
    channels, strides = [x.shape[1]], []
    for stage in branch.stages:
        x = stage(x)
        channels.append(x.shape[1])
        strides.append(64 / x.shape[2])
    assert tuple(channels) == branch.channels
    assert tuple(strides) == branch.strides


def test_published_widths():
    assert list_widths('resnet50') == (0.375, 0.5, 0.625, 0.75, 1.0)
    assert list_widths('mobilenetv3') == (0.5, 0.75, 1.0, 1.25, 1.5, 2.0)
    assert build_feature_branch('resnet50', 0.375).channels == (24, 96, 192, 384, 768)
    assert build_feature_branch('resnet50', 0.625).channels == (40, 160, 320, 640, 1280)
    assert build_feature_branch('resnet34', 0.75).channels == (48, 48, 96, 192, 384)
    assert build_feature_branch('mobilenetv3').channels == (24, 40, 80, 160, 960)
    assert build_feature_branch('regnety_800mf').channels == (32, 64, 144, 320, 784)


@pytest.mark.parametrize(
    ('arch', 'theirs', 'part'),
    [
        ('regnety_1.6gf', 'regnet_y_1_6gf', 'fc'),
        ('resnet18', 'resnet18', 'fc'),
        ('resnet50', 'resnet50', 'fc'),
        ('mobilenetv3', 'mobilenet_v3_large', 'classifier'),
    ],
)
def test_as_many_parameters_as_torchvisions(arch, theirs, part):
    """Equal features are tested where torchvision's weights are converted."""
    plain = getattr(torchvision.models, theirs)()
    without = sum(p.numel() for p in getattr(plain, part).parameters())
    expected = sum(p.numel() for p in plain.parameters()) - without
    assert sum(p.numel() for p in build_feature_branch(arch).parameters()) == expected


def test_mobilenets_norms_are_the_published_ones():
    branch = build_feature_branch('mobilenetv3', 0.5)
    norms = [m for m in branch.modules() if isinstance(m, nn.BatchNorm2d)]
    assert {(norm.eps, norm.momentum) for norm in norms} == {(1e-3, 0.01)}


def test_stochastic_depth_rises_linearly_and_is_off_in_eval_mode():
    branch = build_feature_branch('resnet50', 0.375, drop_path_rate=0.2)
    rates = [block.stochastic_depth.p for stage in branch.stages for block in stage]
    assert rates == pytest.approx([0.2 * i / 15 for i in range(16)])
    images = torch.randn(64, 3, 32, 32)
    plain = build_feature_branch('resnet50', 0.375)
    plain.load_state_dict(branch.state_dict())

    def features(network):
        with torch.no_grad():
            return nn.Sequential(network.stem, *network.stages)(images)

    assert torch.equal(features(branch.eval()), features(plain.eval()))


def test_stochastic_depth_drops_whole_samples():
    block = build_feature_branch('resnet18', drop_path_rate=0.5).stages[3][1]
    nn.init.ones_(block.bn2.weight)
    torch.manual_seed(0)
    x = torch.rand(400, 512, 1, 1)
    with torch.no_grad():
        skipped = (block.train()(x) == x).flatten(1).all(1)  # relu(0 + x) = x
    assert 0.4 < skipped.double().mean() < 0.6


@pytest.mark.parametrize(
    ('arch', 'settings', 'message'),
    [
        ('resnet18', dict(width=0.01), 'width=0.01: resnet18 needs at least 0.125'),
        ('resnet18', dict(drop_path_rate=1), 'drop_path_rate=1: give a probability'),
        ('mobilenetv3', dict(width=0.01), 'width=0.01: mobilenetv3 needs at least'),
        ('mobilenetv3', dict(drop_path_rate=0.1), 'mobilenetv3 has no drop_path_rate'),
        ('resnet18', dict(width='wide'), "width='wide': give a positive number"),
    ],
)
def test_impossible_settings(arch, settings, message):
    with pytest.raises(UserError, match=message):
        build_feature_branch(arch, **settings)


def test_widths_that_the_attention_heads_do_not_divide():
    with pytest.raises(UserError, match=r'width=0\.4 .* nearest width that fits is 0\.40625'):
        create_model('dyn_perceiver_resnet18', width=0.4)
    create_model('dyn_perceiver_resnet18', width=0.40625, num_latents=8)


def test_heads_of_the_families():
    """MobileNet-v3 keeps its hidden layer, ResNet drops out features, RegNet has neither."""
    hidden = create_model('dyn_perceiver_mobilenetv3', width=0.75).heads
    shapes = [tuple(m.weight.shape) for m in hidden.classifiers['merged'] if hasattr(m, 'weight')]
    assert shapes == [(960,), (960, 960), (1000, 960)]
    assert [m.p for m in hidden.modules() if isinstance(m, nn.Dropout)] == [0.2, 0.2]
    assert create_model('dyn_perceiver_resnet18').heads.feature_dropout == 0.2
    assert create_model('dyn_perceiver_regnety_tiny').heads.feature_dropout == 0


@torch.no_grad()
def test_dropout_of_resnets_feature_head_is_for_training_only():
    heads = create_model('dyn_perceiver_resnet18', num_classes=5).heads
    feature = torch.ones(2, 512)
    heads.eval()
    assert torch.equal(heads.step(2, feature, []), heads.classifiers['feature'](feature))
    heads.train()
    assert not torch.equal(heads.step(2, feature, []), heads.classifiers['feature'](feature))


def test_a_narrow_projection_is_a_strided_convolution():
    projection = NarrowProjection(8, 16, 1, stride=2, bias=False)
    plain = nn.Conv2d(8, 16, 1, stride=2, bias=False)
    plain.load_state_dict(projection.state_dict())
    for size in ((14, 14), (15, 9)):
        x = torch.randn(3, 8, *size)
        torch.testing.assert_close(projection(x), plain(x))


def test_only_narrow_networks_have_narrow_projections():
    for arch, width in ALL_WIDTHS:
        branch = build_feature_branch(arch, width)
        assert not any(isinstance(module, NarrowProjection) for module in branch.modules())
    branch = build_feature_branch('resnet18', 0.125)
    assert isinstance(branch.stages[1][0].downsample[0], NarrowProjection)


@pytest.mark.slow
def test_a_narrow_network_trains_in_several_threads():
    """With torch's own convolution this process ended in a segmentation fault."""
    script = (
        'import torch\n'
        'from dynp_plugins.networks.feature_branches import build_feature_branch\n'
        'torch.set_num_threads(2)\n'
        'for _ in range(10):\n'
        '    branch = build_feature_branch("resnet18", 0.125).train()\n'
        '    x = torch.randn(3, 3, 64, 64).to(memory_format=torch.channels_last)\n'
        '    x = branch.stem(x)\n'
        '    for stage in branch.stages:\n'
        '        x = stage(x)\n'
        '    x.square().mean().backward()\n'
    )
    subprocess.run([sys.executable, '-c', script], check=True)
