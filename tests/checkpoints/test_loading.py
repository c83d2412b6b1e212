"""Strict loading into a network."""

import pytest
import torch

from dynp_plugins import UserError, create_model
from dynp_plugins.checkpoints.loading import load_weights, to_classifier_keys, to_network_keys

NAME = 'dyn_perceiver_regnety_tiny'


def save(tmp_path, state_dict):
    torch.save({'state_dict': state_dict}, tmp_path / 'x.pth')
    return tmp_path / 'x.pth'


def test_round_trip(tmp_path, tiny):
    path = save(tmp_path, tiny.state_dict())
    loaded = create_model(NAME, checkpoint=path, num_classes=10).eval()
    images = torch.randn(2, 3, 64, 64)
    with torch.no_grad():
        assert all(map(torch.equal, loaded(images), tiny(images)))


def test_weights_of_an_openmmlab_classifier(tmp_path, tiny):
    weights = to_classifier_keys(tiny.state_dict())
    assert any(key.startswith('head.heads.') for key in weights)
    assert to_network_keys(weights).keys() == tiny.state_dict().keys()
    assert to_classifier_keys(weights) == weights
    loaded = create_model(NAME, checkpoint=save(tmp_path, weights), num_classes=10)
    assert all(torch.equal(v, tiny.state_dict()[k]) for k, v in loaded.state_dict().items())


def test_wrong_number_of_classes(tmp_path, tiny):
    path = save(tmp_path, tiny.state_dict())
    with pytest.raises(
        UserError, match='a network with num_classes=10; this one has num_classes=7'
    ):
        create_model(NAME, checkpoint=path, num_classes=7)


def test_all_problems_are_listed_and_nothing_is_loaded(tiny):
    state_dict = dict(tiny.state_dict())
    latent = state_dict.pop('backbone.latent')
    state_dict['backbone.mixers.0.channels.0.weight'] = torch.zeros(3)
    state_dict['backbone.stowaway'] = latent
    before = {key: value.clone() for key, value in tiny.state_dict().items()}
    with pytest.raises(UserError) as error:
        load_weights(tiny, state_dict, 'x.pth')
    message = str(error.value)
    assert 'missing (1):\n    backbone.latent' in message
    assert 'unknown (1):\n    backbone.stowaway' in message
    assert 'wrong shape (1):\n    backbone.mixers.0.channels.0.weight: (3,) instead' in message
    assert all(torch.equal(value, before[key]) for key, value in tiny.state_dict().items())


def test_a_foreign_checkpoint_is_listed_whole_and_summed_up(tmp_path):
    path = save(tmp_path, {f'layer{i}.weight': torch.zeros(1) for i in range(500)})
    with pytest.raises(UserError) as error:
        create_model(NAME, checkpoint=path)
    first, *listed, last = str(error.value).splitlines()
    assert '398 missing, 500 unknown' in first
    assert all(f'    layer{i}.weight' in listed for i in range(500))
    assert 'backbone.latent' in listed[1]
    assert 'another network' in last and 'tools/convert_checkpoint.py' in last
