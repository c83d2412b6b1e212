"""Official MSDNet checkpoints: names, strictness, files."""

import pytest
import torch

from dynp_plugins import UserError, create_model
from dynp_plugins.checkpoints import convert_checkpoint, convert_state_dict
from dynp_plugins.checkpoints.official_msdnet import our_key

CIFAR, IMAGENET = 'msdnet_cifar_step2_b7', 'msdnet_imagenet_step4'
OFFICIAL = {CIFAR: 'msdnet_cifar10_7b_even2_base4', IMAGENET: 'msdnet_imagenet_5b_even4_base4'}


@pytest.fixture(scope='module')
def backbones():
    with torch.device('meta'):
        return {name: create_model(name).backbone for name in OFFICIAL}


@pytest.mark.parametrize(
    ('model', 'theirs', 'ours'),
    [
        (CIFAR, 'blocks.0.0.layers.0.net.1.bias', 'backbone.units.first_scale0.1.bias'),
        (IMAGENET, 'blocks.0.0.layers.0.0.bias', 'backbone.units.first_scale0.0.bias'),
        (IMAGENET, 'blocks.0.0.layers.3.net.0.weight', 'backbone.units.first_scale3.0.weight'),
        (
            CIFAR,
            'blocks.0.1.layers.2.conv_down.net.4.running_var',
            'backbone.units.layer1_scale2.down.1.1.running_var',
        ),
        # Layer 7 is the first of the third block and drops the finest scale.
        (
            CIFAR,
            'blocks.2.0.layers.0.conv_normal.net.0.weight',
            'backbone.units.layer7_scale1.normal.0.0.weight',
        ),
        (CIFAR, 'blocks.2.1.m.1.net.0.weight', 'backbone.units.transition7_scale2.0.weight'),
        (
            CIFAR,
            'blocks.2.2.layers.1.conv_normal.net.3.weight',
            'backbone.units.layer8_scale2.normal.1.0.weight',
        ),
        (CIFAR, 'classifier.6.m.1.net.0.weight', 'heads.classifiers.exit7.1.0.weight'),
        (IMAGENET, 'classifier.0.linear.bias', 'heads.classifiers.exit1.4.bias'),
        # No such block, module, kind of module, scale, part, exit.
        (CIFAR, 'blocks.7.0.layers.0.conv_normal.net.0.weight', None),
        (CIFAR, 'blocks.1.2.layers.0.conv_normal.net.0.weight', None),
        (CIFAR, 'blocks.2.1.layers.0.conv_normal.net.0.weight', None),
        (CIFAR, 'blocks.1.1.m.0.net.0.weight', None),
        (CIFAR, 'blocks.2.0.layers.2.conv_normal.net.0.weight', None),
        (CIFAR, 'blocks.1.0.layers.0.conv_normal.net.6.weight', None),
        (CIFAR, 'classifier.7.linear.bias', None),
        (CIFAR, 'blocks.0.weight', None),
        (CIFAR, 'conv1.weight', None),
    ],
)
def test_names(backbones, model, theirs, ours):
    assert our_key(theirs, backbones[model]) == ours


@pytest.mark.parametrize('model', OFFICIAL)
def test_every_tensor_keeps_its_values(reference, backbones, model):
    official = reference.state_dict(OFFICIAL[model])
    converted = convert_state_dict(official, model)
    assert len(converted) == len(official)
    for key, value in official.items():
        assert converted[our_key(key, backbones[model])] is value


def test_a_file_with_prefixed_keys(reference, tmp_path):
    """As the official repository saves it: from a parallel wrapper, beside the optimizer."""
    official = reference.state_dict(OFFICIAL[CIFAR])
    torch.save(
        {'epoch': 299, 'state_dict': {f'module.{key}': v for key, v in official.items()}},
        tmp_path / 'official.pth.tar',
    )
    written = convert_checkpoint(tmp_path / 'official.pth.tar', tmp_path / 'ours.pth', CIFAR)
    assert written == len(official)
    network = create_model(CIFAR, tmp_path / 'ours.pth')
    weight = network.backbone.units.first_scale0[0].weight
    assert torch.equal(weight, official['blocks.0.0.layers.0.net.0.weight'])


def test_a_checkpoint_of_other_settings_is_refused(reference):
    official = reference.state_dict(OFFICIAL[CIFAR])
    with pytest.raises(UserError, match=r'blocks\.5\.'):
        convert_state_dict(official, 'msdnet_cifar_lingrow_b5')
    with pytest.raises(UserError, match=r'transition7_scale1'):
        convert_state_dict(official, CIFAR, reduction=0.6)
