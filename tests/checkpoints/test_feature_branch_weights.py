"""Plain CNNs of torchvision and timm as the start of a Dyn-Perceiver's training."""

import pytest
import torch
import torchvision
from mmengine.registry import MODELS
from torch import nn

import dynp_plugins.openmmlab  # noqa: F401 - registers the backbone
from dynp_plugins import UserError, create_model
from dynp_plugins.checkpoints import (
    convert_checkpoint,
    convert_state_dict,
    load_feature_branch,
    read_checkpoint,
)

TORCHVISION = {
    'regnety_400mf': 'regnet_y_400mf',
    'regnety_3.2gf': 'regnet_y_3_2gf',
    'resnet18': 'resnet18',
    'resnet50': 'resnet50',
    'mobilenetv3': 'mobilenet_v3_large',
}
TIMM = {
    'regnety_800mf': 'regnety_008_tv',
    'regnety_1.6gf': 'regnety_016',
    'resnet34': 'resnet34',
    'resnet50': 'resnet50',
    'mobilenetv3': 'mobilenetv3_large_100',
}


def moved_statistics(network):
    """The network in eval mode, with BatchNorm statistics unlike those of a fresh one."""
    torch.manual_seed(0)
    for module in network.modules():
        if isinstance(module, nn.BatchNorm2d):
            nn.init.uniform_(module.running_mean, -0.1, 0.1)
            nn.init.uniform_(module.running_var, 0.8, 1.2)
            nn.init.uniform_(module.weight, 0.5, 1.0)
    return network.eval()


def features_of(branch, images):
    x = branch.stem(images)
    for stage in branch.stages:
        x = stage(x)
    return x


def converted(weights, arch, origin):
    network = create_model(f'dyn_perceiver_{arch}', num_latents=8)
    ours = convert_state_dict(weights, f'dyn_perceiver_{arch}', origin=origin, num_latents=8)
    network.load_state_dict(ours, strict=False)
    return network.eval().backbone.feature_branch


@pytest.mark.parametrize('arch', TORCHVISION)
@torch.no_grad()
def test_torchvision(arch):
    theirs = moved_statistics(getattr(torchvision.models, TORCHVISION[arch])())
    ours = converted(theirs.state_dict(), arch, 'torchvision')
    seen = []
    pool = theirs.avgpool
    pool.register_forward_hook(lambda module, inputs, output: seen.append(inputs[0]))
    images = torch.randn(2, 3, 64, 64)
    theirs(images)
    torch.testing.assert_close(features_of(ours, images), seen[0])


@pytest.mark.parametrize('arch', TIMM)
@torch.no_grad()
def test_timm(arch):
    timm = pytest.importorskip('timm')
    theirs = moved_statistics(timm.create_model(TIMM[arch]))
    if arch == 'mobilenetv3':  # timm trains it with another epsilon, which is no weight
        for module in theirs.modules():
            if isinstance(module, nn.BatchNorm2d):
                module.eps = 1e-3
    ours = converted(theirs.state_dict(), arch, 'timm')
    images = torch.randn(2, 3, 64, 64)
    torch.testing.assert_close(features_of(ours, images), theirs.forward_features(images))


def test_unknown_missing_and_misshaped_tensors_are_listed_in_one_error():
    weights = torchvision.models.resnet18().state_dict()
    del weights['layer3.0.conv1.weight']
    weights['layer5.0.conv1.weight'] = weights['conv1.weight']
    weights['bn1.weight'] = torch.zeros(3)
    with pytest.raises(UserError) as error:
        convert_state_dict(weights, 'dyn_perceiver_resnet18', 'x.pth', 'torchvision')
    for expected in (
        'x.pth does not fit the model (1 missing, 1 unknown, 1 wrong shape)',
        'backbone.feature_branch.stages.2.0.conv1.weight',
        'layer5.0.conv1.weight',
        'backbone.feature_branch.stem.1.weight: (3,) instead of (64,)',
    ):
        assert expected in str(error.value)


@pytest.mark.parametrize('origin', ['torchvision', 'timm'])
def test_keys_that_only_look_right_are_unknown(origin):
    weights = {
        'torchvision': ['features.17.0.weight', 'features.3.block.7.weight'],
        'timm': [
            'blocks.0.0.conv_pwl.weight',
            'blocks.1.0.se.conv_reduce.weight',
            'blocks.1.0.bn4.weight',
            'blocks.9.0.conv_pw.weight',
        ],
    }[origin]
    with pytest.raises(UserError) as error:
        convert_state_dict(
            dict.fromkeys(weights, torch.zeros(1)), 'dyn_perceiver_mobilenetv3', origin=origin
        )
    assert f'{len(weights)} unknown' in str(error.value)


def test_file_starts_a_training(tmp_path):
    plain = torchvision.models.resnet18()
    torch.save(plain.state_dict(), tmp_path / 'resnet18.pth')
    convert_checkpoint(
        tmp_path / 'resnet18.pth',
        tmp_path / 'ours.pth',
        'dyn_perceiver_resnet18',
        origin='torchvision',
    )
    assert read_checkpoint(tmp_path / 'ours.pth').meta['origin'] == 'torchvision'
    init_cfg = dict(type='Pretrained', checkpoint=str(tmp_path / 'ours.pth'), prefix='backbone.')
    backbone = MODELS.build(dict(type='DynPerceiver', arch='resnet18', init_cfg=init_cfg))
    backbone.init_weights()
    assert torch.equal(backbone.feature_branch.stem[0].weight, plain.conv1.weight)
    assert torch.equal(backbone.feature_branch.stages[3][1].bn2.bias, plain.layer4[1].bn2.bias)


@pytest.fixture(scope='module')
def branch_file(tmp_path_factory):
    """torchvision's ResNet-18 as the feature branch of a Dyn-Perceiver."""
    folder = tmp_path_factory.mktemp('branch')
    torch.save(torchvision.models.resnet18().state_dict(), folder / 'plain.pth')
    convert_checkpoint(
        folder / 'plain.pth', folder / 'ours.pth', 'dyn_perceiver_resnet18', origin='torchvision'
    )
    return folder / 'ours.pth'


def test_a_network_in_plain_torch_starts_from_it(branch_file):
    network = create_model('dyn_perceiver_resnet18')
    latent = network.backbone.latent.clone()
    load_feature_branch(network, branch_file)
    weights = read_checkpoint(branch_file).state_dict
    assert all(torch.equal(network.state_dict()[key], weights[key]) for key in weights)
    assert torch.equal(network.backbone.latent, latent)


def test_a_feature_branch_is_not_taken_for_a_whole_network(branch_file):
    with pytest.raises(UserError, match=r'missing[\s\S]*backbone\.latent') as error:
        create_model('dyn_perceiver_resnet18', branch_file)
    last = str(error.value).splitlines()[-1]
    assert last.startswith('These are the weights of the feature branch resnet18 with width=1.0')
    assert 'init_cfg' in last and 'load_feature_branch' in last


def test_another_feature_branch_or_width_is_named(branch_file):
    with pytest.raises(UserError, match=r'resnet18 with width=1.0 alone; this one is resnet34'):
        load_feature_branch(create_model('dyn_perceiver_resnet34'), branch_file)
    weights = torchvision.models.resnet18().state_dict()
    with pytest.raises(UserError, match=r'width=1.0 alone; this one is resnet18 with width=0.5'):
        convert_state_dict(weights, 'dyn_perceiver_resnet18', origin='torchvision', width=0.5)


@pytest.mark.parametrize(
    ('weights', 'library'),
    [
        ({'trunk_output.block1.block1-0.proj.0.weight': 0, 'fc.bias': 0}, 'torchvision'),
        ({'features.0.0.weight': 0, 'classifier.3.bias': 0}, 'torchvision'),
        ({'conv1.weight': 0, 'layer4.1.bn2.bias': 0}, 'torchvision'),
        ({'s1.b1.conv1.conv.weight': 0, 'head.fc.bias': 0}, 'timm'),
        ({'conv_stem.weight': 0, 'blocks.0.0.bn1.weight': 0}, 'timm'),
    ],
)
def test_a_librarys_names_are_recognised(weights, library):
    weights = dict.fromkeys(weights, torch.zeros(1))
    with pytest.raises(UserError, match=f'names of {library}: convert them with --from {library}'):
        convert_state_dict(weights, 'dyn_perceiver_resnet18')


def test_a_config_refuses_a_branch_that_does_not_fit(branch_file):
    """mmengine would warn, and train from fresh weights."""
    init_cfg = dict(type='Pretrained', checkpoint=str(branch_file), prefix='backbone.')
    backbone = MODELS.build(dict(type='DynPerceiver', arch='resnet34', init_cfg=init_cfg))
    with pytest.raises(UserError, match=r'feature branch resnet18 .* this one is resnet34'):
        backbone.init_weights()
    init_cfg['prefix'] = 'model.'
    backbone = MODELS.build(dict(type='DynPerceiver', arch='resnet18', init_cfg=init_cfg))
    with pytest.raises(UserError, match=r"no weights below prefix='model\.'"):
        backbone.init_weights()


def test_origin_and_model_that_do_not_go_together():
    with pytest.raises(UserError, match="unknown origin 'keras'; choose one of official"):
        convert_state_dict({}, 'dyn_perceiver_resnet18', origin='keras')
