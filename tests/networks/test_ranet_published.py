"""The published RANets: logits, sizes and counts, recorded and documented, against ours."""

import functools
import re

import numpy as np
import pytest
import torch
from torch.nn import functional as F

from benchmarks.macs import exit_costs
from dynp_plugins import create_model
from dynp_plugins.checkpoints import convert_state_dict
from dynp_plugins.networks import RANetBackbone, ranet_blocks

from .published_counts import counts

RECORDED = {
    'ranet_cifar_1233': 'ranet_cifar10_s1233_even4',
    'ranet_imagenet_c32': 'ranet_imagenet_s1234_even8_gr4221',
}
# Multiply-adds that the authors publish, in M; their counter also counts ReLU, pooling and biases.
PUBLISHED_MMACS = {
    'ranet_cifar_1233': [15.8, 31.3, 44.7, 50.4, 60.7, 63.7, 90.2, 94.9],
    'ranet_imagenet_c32': [247, 631, 860, 1041, 1870, 2160, 2734, 2828],
    'ranet_imagenet_c64': [435, 889, 1153, 1352, 2280, 2589, 3236, 3334],
}
IMAGE_SIZES = {'ranet_cifar_1233': 32, 'ranet_imagenet_c32': 224, 'ranet_imagenet_c64': 224}


def quick_first(names):
    """The networks for ImageNet take their time."""
    return [
        pytest.param(name, marks=pytest.mark.slow) if name.startswith('ranet_imagenet') else name
        for name in names
    ]


@pytest.fixture(scope='module', params=quick_first(RECORDED))
def published(request, reference):
    """(name, facts recorded from the published network, our network with its weights)."""
    facts = reference.facts(RECORDED[request.param])
    network = create_model(request.param).eval()
    weights = reference.state_dict(RECORDED[request.param])
    network.load_state_dict(convert_state_dict(weights, request.param))
    return request.param, facts, network


@functools.cache
def costs_of(name):
    return exit_costs(create_model(name), (3, *[IMAGE_SIZES[name]] * 2))


@torch.no_grad()
def test_logits_of_all_exits(published, reference):
    name, _, network = published
    recorded = torch.from_numpy(np.load(reference.logits_path(RECORDED[name]))['logits'])
    logits = network(reference.deterministic.reference_input(2, IMAGE_SIZES[name]))
    for ours, theirs in zip(logits, recorded, strict=True):
        assert (ours - theirs).abs().max() <= 2e-4 * theirs.abs().max()


def test_parameter_count(published):
    _, facts, network = published
    assert sum(p.numel() for p in network.parameters()) == facts['params']


@torch.no_grad()
def test_published_counts_to_the_digit(published):
    name, facts, network = published
    extras = [terms for _, terms in counts(network, IMAGE_SIZES[name])]
    assert [cost.macs + extra for cost, extra in zip(costs_of(name), extras, strict=True)] == [
        round(mflops * 1e6) for mflops in facts['official_mflops_per_exit']
    ]


def test_fvcore_total_to_the_digit_with_needless_resizes(published, monkeypatch):
    name, facts, network = published
    without = costs_of(name)[-1]
    monkeypatch.setattr(
        ranet_blocks,
        '_resize',
        lambda x, size: F.interpolate(x, size=size, mode='bilinear', align_corners=True),
    )
    with_all = exit_costs(network, (3, *[IMAGE_SIZES[name]] * 2))[-1]
    assert with_all.macs + with_all.other_ops == round(facts['fvcore_mmacs_total'] * 1e6)
    assert with_all.macs == without.macs
    assert with_all.other_ops > without.other_ops


@pytest.mark.parametrize('name', quick_first(PUBLISHED_MMACS))
def test_macs_are_the_published_and_the_documented_ones(name):
    size = IMAGE_SIZES[name]
    macs = [cost.macs / 1e6 for cost in costs_of(name)]
    assert macs == pytest.approx(PUBLISHED_MMACS[name], rel=0.02)
    documented = re.search(rf'``{name}`` at {size}x{size}: ([\d., ]+)', RANetBackbone.__doc__)
    for value, text in zip(macs, documented[1].split(', '), strict=True):
        decimals = len(text.partition('.')[2])
        assert f'{value:.{decimals}f}' == text
