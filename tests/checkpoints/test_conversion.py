"""Official checkpoints: names, strictness, files."""

import pytest
import torch
import torchvision

from dynp_plugins import UserError, create_model
from dynp_plugins.checkpoints import convert_checkpoint, convert_state_dict, read_checkpoint
from dynp_plugins.checkpoints.official_dyn_perceiver import our_key

MODEL = 'dyn_perceiver_regnety_800mf'
NAME = 'reg800m_perceiver_t128_d1112'
SETTINGS = dict(depth_factor=(1, 1, 1, 2))


@pytest.fixture(scope='module')
def official(reference):
    return reference.state_dict(NAME)


@pytest.mark.parametrize(
    ('theirs', 'ours'),
    [
        ('latent', 'backbone.latent'),
        (
            'cnn_body.block3.block3-1.f.a.0.weight',
            'backbone.feature_branch.stages.2.block3-1.f.a.0.weight',
        ),
        (
            'cross_att2_x2z.cross_attn.attention.relative_position_bias',
            'backbone.x2z.1.cross_attention.attention.position_bias',
        ),
        (
            'cross_att4_z2x.cross_attn.kv_norm.bias',
            'backbone.z2x.2.cross_attention.kv_norm.bias',
        ),
        (
            'self_att3.7.self_attn.attention.o_proj.bias',
            'backbone.self_attention.2.7.attention.out_proj.bias',
        ),
        ('isc4.1.running_var', 'heads.fkt.merged.1.running_var'),
        ('self_att3.7.cross_attn.q_norm.bias', None),
        ('resnet.conv1.weight', None),
    ],
)
def test_names(theirs, ours):
    assert our_key(theirs, None) == ours


def test_every_tensor_keeps_its_values(official):
    converted = convert_state_dict(official, MODEL, **SETTINGS)
    assert len(converted) == len(official)
    for key, value in official.items():
        assert converted[our_key(key, None)] is value


def test_two_official_tensors_never_get_one_name(official):
    names = [our_key(key, None) for key in official]
    assert len(set(names)) == len(names)


def test_strict(official):
    incomplete = dict(official)
    del incomplete['latent'], incomplete['isc3.1.bias']
    incomplete['classifier_cnn.weight'] = torch.zeros(1000, 5)
    with pytest.raises(UserError) as error:
        convert_state_dict(incomplete, MODEL, 'x.pth', **SETTINGS)
    for expected in (
        'missing (2)',
        'backbone.latent',
        'heads.fkt.latent.1.bias',
        'wrong shape (1)',
        'heads.classifiers.feature.weight: (1000, 5) instead of (1000, 784)',
    ):
        assert expected in str(error.value)
    with pytest.raises(UserError, match=r'unknown \(1\):\n    classifier\.weight'):
        convert_state_dict({**official, 'classifier.weight': torch.zeros(1)}, MODEL, **SETTINGS)


def test_another_depth_is_refused(official):
    with pytest.raises(UserError, match=r'unknown \(39\):\n    backbone\.self_attention\.3\.3'):
        convert_state_dict(official, MODEL)


def test_file_is_not_overwritten_unasked(official, tmp_path):
    torch.save({'model': official}, tmp_path / 'official.pth')
    (tmp_path / 'ours.pth').write_text('precious')
    arguments = (tmp_path / 'official.pth', tmp_path / 'ours.pth', MODEL)
    with pytest.raises(UserError, match=r'ours\.pth exists already; give --overwrite'):
        convert_checkpoint(*arguments, **SETTINGS)
    assert (tmp_path / 'ours.pth').read_text() == 'precious'
    count = convert_checkpoint(*arguments, overwrite=True, **SETTINGS)
    checkpoint = read_checkpoint(tmp_path / 'ours.pth')
    assert len(checkpoint.state_dict) == count == len(official)
    assert checkpoint.meta == {'model': MODEL, 'settings': SETTINGS, 'origin': 'official'}
    create_model(MODEL, checkpoint=tmp_path / 'ours.pth', **SETTINGS)


def test_a_static_networks_file(tmp_path):
    """torchvision's names are kept, below where the classifier is wrapped."""
    plain = torchvision.models.resnet18(num_classes=7).eval()
    torch.save(plain.state_dict(), tmp_path / 'resnet18.pth')
    files = tmp_path / 'resnet18.pth', tmp_path / 'ours.pth'
    name = 'static:torchvision/resnet18'
    assert convert_checkpoint(*files, name, num_classes=7) == len(plain.state_dict())
    images = torch.randn(2, 3, 64, 64)
    with torch.no_grad():
        (logits,) = create_model(name, files[1], num_classes=7).eval()(images)
        assert torch.equal(logits, plain(images))
    with pytest.raises(UserError, match='a network with num_classes=7; this one has num_classes=5'):
        create_model(name, files[1], num_classes=5)
    with pytest.raises(UserError, match=r'converted with tools/convert_checkpoint\.py'):
        create_model(name, files[0], num_classes=7)
