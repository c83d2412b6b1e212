"""Learning rates and weight decay of single parameters."""

from mmengine.optim import build_optim_wrapper

from dynp_plugins.openmmlab.classifiers import build_classifier
from dynp_plugins.openmmlab.config_files import load_config

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
