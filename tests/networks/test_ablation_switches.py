"""Every ablation switch in training, inference, cost counting and conversion."""

import re

import pytest
import torch

from benchmarks.macs import exit_costs
from dynp_plugins import create_model
from dynp_plugins.checkpoints import convert_state_dict

TINY = 'dyn_perceiver_regnety_tiny'
RELEASED = 'dyn_perceiver_regnety_800mf_t128'
SWITCHES = {
    'with_x2z': r'(cross_att|dwc)[234]_x2z\.',
    'with_z2x': r'cross_att[234]_z2x\.',
    'with_last_z2x': r'last_cross_att_z2x\.',
    'with_dwc': r'dwc[1-4]_x2z\.',
    'with_token_mixer': r'token_mixer\.',
    'with_fkt': r'isc[34]\.',
}
"""Each switch, and the tensors an official checkpoint without that part does not have."""
EXITS = [('merged',), ('early', 'merged'), ('latent', 'feature', 'merged')]
ALL = [{name: False} for name in SWITCHES] + [{'exits': exits} for exits in EXITS]


def images(batch=4):
    return torch.randn(batch, 3, 64, 64, generator=torch.Generator().manual_seed(1))


@pytest.mark.parametrize('switch', ALL, ids=str)
def test_training(switch):
    """What is left trains: every parameter gets a gradient."""
    network = create_model(TINY, num_classes=10, **switch)
    sum(y.square().mean() for y in network(images())).backward()
    assert [name for name, p in network.named_parameters() if p.grad is None] == []


@pytest.mark.parametrize('switch', ALL, ids=str)
@torch.no_grad()
def test_inference(switch):
    network = create_model(TINY, num_classes=10, **switch).eval()
    whole = network(images())
    state, stepped = network.start(images()), []
    for k in range(len(network.exit_names)):
        state, logits = network.step(k, state, stepped)
        stepped.append(logits)
    assert all(map(torch.equal, stepped, whole))


@pytest.fixture(scope='module')
def full_costs():
    """Multiply-adds and parameters of the network with everything in it."""
    full = create_model(TINY)
    return exit_costs(full, (3, 64, 64))[-1].macs, sum(p.numel() for p in full.parameters())


@pytest.mark.parametrize('switch', ALL, ids=str)
def test_costs(switch, full_costs):
    """Taking something out saves parameters and multiply-adds, except that without token mixers the
    tokens stay as many as they were, which costs more than the mixers did."""
    network = create_model(TINY, **switch)
    costs = exit_costs(network, (3, 64, 64))
    assert [cost.name for cost in costs] == list(network.exit_names)
    full_macs, full_size = full_costs
    last = costs[-1].macs
    assert last > full_macs if 'with_token_mixer' in switch else last < full_macs
    assert sum(p.numel() for p in network.parameters()) < full_size


@pytest.fixture(scope='module')
def official(reference):
    return reference.state_dict('reg800m_perceiver_t128_d1112')


@pytest.mark.parametrize('switch', ALL, ids=str)
def test_conversion(switch, official):
    """An official checkpoint of the network without the part is taken, the one with it refused."""
    converted = convert_state_dict(without(official, switch), RELEASED, **switch)
    with torch.device('meta'):  # names and shapes only
        network = create_model(RELEASED, **switch)
    network.load_state_dict(converted, assign=True)
    assert len(converted) < len(official)
    with pytest.raises(ValueError, match='does not fit the model'):
        convert_state_dict(official, RELEASED, **switch)


def without(official, switch):
    """The official state dict of a network without what ``switch`` takes out."""
    (name, value), *_ = switch.items()
    exits = value if name == 'exits' else ('early', 'latent', 'feature', 'merged')
    gone = SWITCHES.get(name, '^$')
    for exit_name, pattern in (
        ('early', r'early_classifier3\.|isc3\.'),
        ('latent', r'classifier_att\.|isc[34]\.'),
        ('feature', r'classifier_cnn\.'),
    ):
        if exit_name not in exits:
            gone += f'|{pattern}'
    left = {key: value for key, value in official.items() if not re.match(gone, key)}
    # Without handed-down logits, the classifiers that read them are narrower.
    if 'isc3.0.weight' not in left and 'classifier_att.weight' in left:
        left['classifier_att.weight'] = left['classifier_att.weight'][:, :320]
    if 'isc4.0.weight' not in left:
        for key in left:
            if key.startswith('classifier_merge.0.') and left[key].ndim:
                left[key] = left[key][: 784 + 320]
        left['classifier_merge.1.weight'] = left['classifier_merge.1.weight'][:, : 784 + 320]
    return left


@pytest.mark.parametrize('name', SWITCHES)
def test_a_switch_is_true_or_false(name):
    """A word such as 'false' would count as true."""
    with pytest.raises(ValueError, match=f"{name}='false': give True or False"):
        create_model(TINY, **{name: 'false'})
