"""Official RANet checkpoints: names, strictness, files."""

import pytest
import torch

from dynp_plugins import UserError, create_model
from dynp_plugins.checkpoints import convert_checkpoint, convert_state_dict
from dynp_plugins.checkpoints.official_ranet import our_key

MODEL = 'ranet_cifar_1233'


@pytest.fixture(scope='module')
def official(reference):
    return reference.state_dict('ranet_cifar10_s1233_even4')


@pytest.mark.parametrize(
    ('theirs', 'ours'),
    [
        ('FirstLayer.layers.0.0.bias', 'backbone.first_layers.0.0.bias'),
        ('FirstLayer.layers.2.net.1.running_var', 'backbone.first_layers.2.1.running_var'),
        (
            'scale_flows.0.1.layers.3.conv_normal.net.3.weight',
            'backbone.sub_networks.0.1.layers.3.own.1.0.weight',
        ),
        (
            'scale_flows.3.5.layers.0.conv_up.net.1.bias',
            'backbone.sub_networks.3.5.layers.0.low.0.1.bias',
        ),
        (
            'scale_flows.1.0.conv_last.net.0.weight',
            'backbone.sub_networks.1.0.closing.0.weight',
        ),
        (
            'scale_flows.2.3.trans.net.1.running_mean',
            'backbone.sub_networks.2.3.transition.1.running_mean',
        ),
        ('classifier.0.m.1.net.0.weight', 'heads.classifiers.exit1.1.0.weight'),
        ('classifier.7.linear.bias', 'heads.classifiers.exit8.4.bias'),
        ('scale_flows.0.1.layers.3.conv_down.net.3.weight', None),
        ('scale_flows.0.1.layers.3.conv_up.net.2.weight', None),
        ('FirstLayer.layers.1.0.weight', None),
        ('blocks.0.0.layers.0.net.0.weight', None),
    ],
)
def test_names(theirs, ours):
    assert our_key(theirs, None) == ours


def test_every_tensor_keeps_its_values(official):
    converted = convert_state_dict(official, MODEL)
    assert len(converted) == len(official)
    for key, value in official.items():
        assert converted[our_key(key, None)] is value


@torch.no_grad()
def test_a_file_as_the_authors_save_it(official, tmp_path):
    """`{'state_dict': ...}` beside numbers of the training, with the prefix of a parallel model."""
    torch.save(
        {
            'epoch': 299,
            'best_prec1': 93.7,
            'state_dict': {f'module.{key}': value for key, value in official.items()},
        },
        tmp_path / 'official.pth.tar',
    )
    written = convert_checkpoint(tmp_path / 'official.pth.tar', tmp_path / 'ours.pth', MODEL)
    assert written == len(official)
    network = create_model(MODEL, tmp_path / 'ours.pth').eval()
    direct = create_model(MODEL).eval()
    direct.load_state_dict(convert_state_dict(official, MODEL))
    images = torch.randn(2, 3, 32, 32)
    for ours, theirs in zip(network(images), direct(images), strict=True):
        assert torch.equal(ours, theirs)


def test_strict(official):
    changed = dict(official)
    del changed['classifier.4.linear.bias'], changed['FirstLayer.layers.3.net.0.weight']
    changed['scale_flows.1.1.trans.net.0.weight'] = torch.zeros(92, 5, 1, 1)
    with pytest.raises(UserError) as error:
        convert_state_dict(changed, MODEL, 'x.pth')
    for expected in (
        'missing (2)',
        'heads.classifiers.exit5.4.bias',
        'backbone.first_layers.3.0.weight',
        'wrong shape (1)',
        'backbone.sub_networks.1.1.transition.0.weight: (92, 5, 1, 1) instead of (92, 185, 1, 1)',
    ):
        assert expected in str(error.value)
    with pytest.raises(UserError, match=r'unknown \(1\):\n    scale_flows\.0\.0\.trans'):
        convert_state_dict({**official, 'scale_flows.0.0.trans': torch.zeros(1)}, MODEL)


def test_other_settings_are_refused(official):
    with pytest.raises(UserError, match=r'backbone\.sub_networks\.3\.7\.layers\.3\.own'):
        convert_state_dict(official, MODEL, step=3)
    with pytest.raises(UserError, match=r'num_classes=10'):
        convert_state_dict(official, MODEL, num_classes=100)
