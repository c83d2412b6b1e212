"""Weights that do not fit: which network they belong to."""

import pytest
import torch

from dynp_plugins import UserError, create_model
from dynp_plugins.checkpoints import convert_state_dict, load_weights
from dynp_plugins.checkpoints.loading import to_classifier_keys
from dynp_plugins.checkpoints.recognition import likely_settings

SETTINGS = [
    ('dyn_perceiver_resnet18', dict(width=0.5)),
    ('dyn_perceiver_resnet34', dict(width=0.375, depth_factor=(1, 1, 1 / 3, 2))),
    ('dyn_perceiver_mobilenetv3', dict(width=0.5, num_latents=64, num_classes=7)),
    ('dyn_perceiver_regnety_tiny', dict(latent_grid=3, with_dwc=False)),
    ('dyn_perceiver_regnety_tiny', dict(with_fkt=False, exits=('latent', 'merged'))),
    (
        'dyn_perceiver_regnety_tiny',
        dict(with_x2z=False, with_z2x=False, with_last_z2x=False, with_token_mixer=False),
    ),
    ('msdnet', dict(num_blocks=4, base=3, step_mode='lin_grow', step=1, prune='min')),
    (
        'msdnet',
        dict(
            stem='imagenet',
            num_scales=2,
            growth_factor=(1, 2),
            bottleneck_factor=(1, 3),
            reduction=0.6,
            num_classes=3,
        ),
    ),
    ('ranet', dict(step=2, step_mode='lg', block_step=1, channels=24, reduction=0.75)),
    (
        'ranet',
        dict(
            stem='imagenet',
            scale_list=(1, 2),
            growth_factor=(2, 1),
            bottleneck_factor=(3, 1),
            growth_rate=8,
            compress_factor=0.5,
        ),
    ),
]


@pytest.mark.parametrize(('name', 'settings'), SETTINGS, ids=str)
def test_round_trip(name, settings):
    network = create_model(name, **settings)
    recognised = likely_settings(network.state_dict())
    assert recognised['name'] == name
    assert {key: recognised[key] for key in settings} == settings
    rebuilt = create_model(**recognised)
    rebuilt.load_state_dict(network.state_dict())


def test_another_width_depth_and_number_of_classes_are_named():
    narrow = create_model(
        'dyn_perceiver_resnet18', width=0.5, depth_factor=(1, 1, 1, 2), num_classes=10
    )
    wide = create_model('dyn_perceiver_resnet18', width=0.75, num_classes=5)
    for weights in (narrow.state_dict(), to_classifier_keys(narrow.state_dict())):
        with pytest.raises(UserError) as error:
            load_weights(wide, weights, 'x.pth')
        assert str(error.value).splitlines()[-1] == (
            'These are the weights of a network with num_classes=10, width=0.5, '
            'depth_factor=(1, 1, 1, 2); this one has num_classes=5, width=0.75, '
            'depth_factor=(1, 1, 1, 1)'
        )


def test_another_feature_branch_is_named():
    regnet = create_model('dyn_perceiver_regnety_400mf')
    resnet = create_model('dyn_perceiver_resnet18')
    with pytest.raises(UserError, match=r"name='dyn_perceiver_regnety_400mf'; this one has name="):
        load_weights(resnet, regnet.state_dict(), 'x.pth')


def test_another_depth_of_a_rival_is_named():
    deep, shallow = create_model('msdnet_cifar_step2_b10'), create_model('msdnet_cifar_step2_b7')
    with pytest.raises(UserError, match=r'network with num_blocks=10; this one has num_blocks=7$'):
        load_weights(shallow, deep.state_dict(), 'x.pth')


def test_an_official_checkpoint_of_another_depth_is_named(reference):
    """Its names can only be read by who knows the settings."""
    official = reference.state_dict('msdnet_cifar10_7b_even2_base4')
    with pytest.raises(UserError, match=r'network with num_blocks=7; this one has num_blocks=10$'):
        convert_state_dict(official, 'msdnet_cifar_step2_b10')


@pytest.mark.parametrize('growth_factor', [(4, 2, 1), (2, 1, 1), (2, 4, 8)])
def test_growth_factors_of_any_order(growth_factor):
    odd = create_model('msdnet', growth_factor=growth_factor)
    recognised = likely_settings(odd.state_dict())
    create_model(**recognised).load_state_dict(odd.state_dict())
    with pytest.raises(UserError, match='this one has'):
        load_weights(create_model('msdnet'), odd.state_dict(), 'x.pth')


@pytest.mark.parametrize('damage', [lambda v: v.new_zeros(()), lambda v: v.new_zeros(0)])
@pytest.mark.parametrize('name', ['msdnet', 'ranet', 'dyn_perceiver_regnety_tiny'])
def test_tensors_of_no_sensible_shape(name, damage):
    weights = {key: damage(value) for key, value in create_model(name).state_dict().items()}
    with pytest.raises(UserError, match='another network'):
        load_weights(create_model(name), weights, 'x.pth')


def test_weights_of_nobody():
    assert likely_settings({'weight': torch.zeros(1)}) is None
    weights = create_model('dyn_perceiver_regnety_tiny').state_dict()
    del weights['backbone.z2x.1.cross_attention.mlp.fc1.bias']
    assert likely_settings(weights) is None
