"""The published Dyn-Perceivers: recorded values against ours."""

import numpy as np
import pytest
import torch

import dynp_plugins
from benchmarks.macs import exit_costs
from dynp_plugins.checkpoints import convert_checkpoint

MODELS = {
    'reg800m_perceiver_t128_d1112': 'dyn_perceiver_regnety_800mf_t128',
    'resnet50_0375_perceiver_t128_d1111': 'dyn_perceiver_resnet50_0.375_t128',
    'mobilenetV3_0x75_perceiver_t128_d1113': 'dyn_perceiver_mobilenetv3_0.75_t128',
}
PUBLISHED_GMACS = {
    'reg800m_perceiver_t128_d1112': [0.459, 1.065, 1.228, 1.298],
    'resnet50_0375_perceiver_t128_d1111': [0.619, 1.007, 1.122, 1.190],
    'mobilenetV3_0x75_perceiver_t128_d1113': [0.098, 0.182, 0.207, 0.266],
}


@pytest.fixture(scope='module', params=MODELS)
def published(request, reference, tmp_path_factory):
    """(name of the recorded values, our network with the published model's weights)."""
    folder = tmp_path_factory.mktemp('parity')
    weights = reference.state_dict(request.param)
    torch.save(
        {'model': {f'module.{key}': value for key, value in weights.items()}},
        folder / 'official.pth',
    )
    model = MODELS[request.param]
    convert_checkpoint(folder / 'official.pth', folder / 'ours.pth', model)
    return request.param, dynp_plugins.create_model(model, folder / 'ours.pth').eval()


@torch.no_grad()
def test_logits_of_all_exits(published, reference):
    name, network = published
    recorded = torch.from_numpy(np.load(reference.logits_path(name))['logits'])
    size = reference.facts(name).get('input_size', 224)
    logits = network(reference.deterministic.reference_input(2, size))
    for ours, theirs in zip(logits, recorded, strict=True):
        assert (ours - theirs).abs().max() <= 2e-4 * theirs.abs().max()


def test_parameter_count(published, reference):
    name, network = published
    assert sum(p.numel() for p in network.parameters()) == reference.facts(name)['params']


def test_macs_per_exit(published, reference):
    name, network = published
    costs = exit_costs(network, (3, 224, 224))
    counted = [cost.macs / 1e9 for cost in costs]
    assert counted == pytest.approx(PUBLISHED_GMACS[name], rel=0.02)
    official = reference.facts(name)['official_gflops_per_exit']
    if official is not None:
        assert counted == pytest.approx(official, rel=0.02)
    # Norms and pooling included, as fvcore counts one full pass of the published code.
    everything = (costs[-1].macs + costs[-1].other_ops) / 1e9
    assert everything == pytest.approx(reference.facts(name)['fvcore_gmacs_total'], rel=1e-3)
