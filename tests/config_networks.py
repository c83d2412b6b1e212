"""Networks of configs without numbers in their weights, so that tests build the largest fast."""

import re
from pathlib import Path

import pytest
import torch
from mmengine.config import Config

from dynp_plugins import create_model
from dynp_plugins.networks import MultiExitNetwork
from dynp_plugins.openmmlab.classifiers import build_classifier, multi_exit_network


def is_detection_file(path: Path) -> bool:
    """Whether a config is one of a detector, without running it: by where it or a base lies."""
    text = path.read_text(encoding='utf-8')
    if 'detection' in path.parts or '/detection' in text:
        return True
    base = re.search(r"^_base_ = '(.+)'$", text, re.MULTILINE)
    return base is not None and is_detection_file(path.parent / base[1])


def network_without_data(config: Config) -> MultiExitNetwork:
    """A config's network on torch's meta device, in eval mode; skips what needs a missing timm."""
    if config.model.backbone.get('name', '').startswith('timm/'):
        pytest.importorskip('timm')
    # torchvision computes its RegNets' widths with tensors, which then need numbers.
    device = 'cpu' if config.model.backbone.type == 'StaticNetwork' else 'meta'
    with torch.device(device):
        classifier = build_classifier(config)
    return multi_exit_network(classifier.to('meta').eval())


def assert_same(network, name, **settings):
    """A network has the layers of the one that `create_model` makes by this name."""
    with torch.device('cpu' if name.startswith('static:') else 'meta'):
        named = create_model(name, **settings)
    named = named.to('meta').eval()
    assert named.exit_names == network.exit_names
    assert layers_of(named) == layers_of(network)
    assert regularisation(named) == regularisation(network)


def layers_of(network):
    """The shapes of its weights by name."""
    return {name: value.shape for name, value in network.state_dict().items()}


def regularisation(network):
    """Whatever drops something while training, by module, with its rate."""
    rates = ('p', 'drop_prob', 'feature_dropout')
    return {
        f'{name}.{rate}': getattr(module, rate)
        for name, module in network.named_modules()
        for rate in rates
        if isinstance(getattr(module, rate, None), float)
    }
