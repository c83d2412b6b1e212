"""Learning rates and weight decay of single parameters, and fused updates."""

import copy

import pytest
import torch
from mmengine.config import Config
from mmengine.optim import build_optim_wrapper

from dynp_plugins.openmmlab.classifiers import build_classifier
from dynp_plugins.openmmlab.config_files import load_config
from dynp_plugins.openmmlab.optim import has_fused, use_fused_optimizer

DEMO = 'configs/demo/dyn-perceiver_regnety-tiny_digits.py'
IMAGE_FILES = 'configs/classification/dyn_perceiver/dyn-perceiver_regnety-tiny_image-files.py'


def test_norms_and_biases_do_not_decay():
    config = load_config(DEMO)
    wrapper = build_optim_wrapper(build_classifier(config), config.optim_wrapper)
    decaying = {
        parameter.ndim
        for group in wrapper.optimizer.param_groups
        for parameter in group['params']
        if group['weight_decay'] > 0
    }
    assert decaying == {2, 4}  # linear layers and convolutions
    assert {group['lr'] for group in wrapper.optimizer.param_groups} == {8e-3}


def test_the_latent_branch_may_learn_at_its_own_rate():
    config = load_config(IMAGE_FILES)
    model = build_classifier(config)
    wrapper = build_optim_wrapper(model, config.optim_wrapper)
    slow = {
        parameter
        for group in wrapper.optimizer.param_groups
        for parameter in group['params']
        if group['lr'] == 1e-3
    }
    branch = set(model.backbone.feature_branch.parameters())
    assert slow == set(model.backbone.parameters()) - branch
    assert {group['lr'] for group in wrapper.optimizer.param_groups} == {1e-3, 2e-3}


@pytest.mark.parametrize(
    ('optimizer', 'fused'),
    [
        (dict(type='AdamW', lr=1e-3), True),
        (dict(type='SGD', lr=1e-3, momentum=0.9), True),
        (dict(type=torch.optim.AdamW, lr=1e-3), True),
        (dict(type='AdamW', lr=1e-3, fused=False), False),
        (dict(type='AdamW', lr=1e-3, foreach=True), None),
        (dict(type='Rprop', lr=1e-3), None),
        (dict(type='mmpretrain.Lamb', lr=1e-3), None),
    ],
)
def test_an_update_is_fused_where_torch_can_and_the_config_does_not_object(optimizer, fused):
    config = Config(dict(optim_wrapper=dict(optimizer=optimizer)))
    use_fused_optimizer(config)
    assert config.optim_wrapper.optimizer.get('fused') is fused


def test_fused_is_tried_on_the_device():
    class Mine(torch.optim.SGD):
        """Not torch's own: what it does with the setting is not known."""

    assert has_fused(torch.optim.AdamW, torch.device('cpu'))
    assert not has_fused(Mine, torch.device('cpu'))
    assert not has_fused(torch.optim.ASGD, torch.device('cpu'))
    assert not has_fused('AdamW', torch.device('cpu'))


def test_fused_updates_equal_the_others_within_rounding():
    """The demo's groups, clipping and learning rate, with gradients of very different sizes."""
    config = load_config(DEMO)
    plain = build_classifier(config)
    fused = copy.deepcopy(plain)
    wrappers = [build_optim_wrapper(plain, config.optim_wrapper)]
    use_fused_optimizer(config)
    wrappers.append(build_optim_wrapper(fused, config.optim_wrapper))
    assert [wrapper.optimizer.defaults['fused'] for wrapper in wrappers] == [None, True]
    before = copy.deepcopy(plain.state_dict())
    for step in range(10):
        generator = torch.Generator().manual_seed(step)
        for one, other in zip(plain.parameters(), fused.parameters(), strict=True):
            size = 10.0 ** torch.randint(-6, 2, (), generator=generator)
            one.grad = size * torch.randn(one.shape, generator=generator)
            other.grad = one.grad.clone()
        for wrapper in wrappers:
            wrapper.step()
    for name, value in plain.named_parameters():
        torch.testing.assert_close(fused.get_parameter(name), value, rtol=1e-5, atol=1e-6)
        assert not torch.equal(value, before[name])


def test_a_run_that_began_without_fused_updates_goes_on_without():
    """So that a resumed run is exactly the one that was interrupted."""
    weight = torch.nn.Parameter(torch.ones(3))
    weight.grad = torch.ones(3)
    began = torch.optim.AdamW([weight], lr=1e-3)
    began.step()
    resumed = torch.optim.AdamW([weight], lr=1e-3, fused=True)
    resumed.load_state_dict(began.state_dict())
    assert not resumed.param_groups[0]['fused']
