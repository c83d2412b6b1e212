"""Multiply-adds against closed forms."""

import pytest
import torch
from torch import nn
from torch.nn import functional as F

from benchmarks.macs import count_macs, exit_costs
from dynp_plugins import UserError, create_model
from dynp_plugins.networks.attention import CrossAttentionLayer, SelfAttentionLayer
from dynp_plugins.networks.shortcuts import without_shortcuts


def total(module, *inputs):
    return sum(count_macs(module.eval(), inputs).values())


@pytest.mark.parametrize(('groups', 'stride', 'bias'), [(1, 1, False), (4, 2, True), (8, 1, False)])
def test_convolution(groups, stride, bias):
    conv = nn.Conv2d(8, 16, 3, stride, padding=1, groups=groups, bias=bias)
    side = 12 // stride
    assert total(conv, torch.zeros(2, 8, 12, 12)) == 2 * side * side * 16 * (8 // groups) * 9


def test_linear():
    assert total(nn.Linear(7, 5), torch.zeros(3, 7)) == 3 * 7 * 5
    assert total(nn.Linear(7, 5, bias=False), torch.zeros(2, 4, 7)) == 2 * 4 * 7 * 5


class Attention(nn.Module):
    def forward(self, q, k, v):
        return F.scaled_dot_product_attention(q, k, v)


class PlainAttention(nn.Module):
    def forward(self, q, k, v):
        return (q @ k.transpose(-1, -2)).softmax(-1) @ v


@pytest.mark.parametrize('module', [Attention(), PlainAttention()])
def test_attention_counts_both_products(module):
    q, k, v = torch.zeros(2, 3, 5, 8), torch.zeros(2, 3, 7, 8), torch.zeros(2, 3, 7, 6)
    assert total(module, q, k, v) == 2 * 3 * 5 * 7 * (8 + 6)


def test_self_attention_layer():
    length, width = 9, 16
    counts = count_macs(SelfAttentionLayer(width, 4).eval(), torch.zeros(1, length, width))
    assert counts['linear'] == length * width * width * (3 + 1 + 4 + 4)
    assert counts['attention'] == 2 * length * length * width


def test_cross_attention_layer():
    counts = count_macs(
        CrossAttentionLayer(16, 32, 4).eval(), (torch.zeros(1, 6, 16), torch.zeros(1, 9, 32))
    )
    q, kv, inner = 6, 9, 4
    assert counts['linear'] == (
        q * 16 * inner + 2 * kv * 32 * inner + q * inner * 16 + 2 * q * 16 * 16
    )
    assert counts['attention'] == 2 * q * kv * inner


class Unknown(nn.Module):
    def forward(self, x):
        return torch.linalg.svd(x)[0]


def test_an_operator_nobody_has_priced_is_an_error():
    with pytest.raises(UserError, match=r'cannot count Unknown: .* aten::linalg_svd'):
        count_macs(Unknown(), torch.zeros(3, 3))


@pytest.fixture(scope='module')
def costs():
    network = create_model('dyn_perceiver_regnety_tiny', num_classes=10)
    costs = exit_costs(network, (3, 64, 64))
    assert network.training  # as it was before
    return costs


def test_costs_rise_from_exit_to_exit(costs):
    macs = [cost.macs for cost in costs]
    assert macs == sorted(set(macs))
    assert [cost.name for cost in costs] == ['early', 'latent', 'feature', 'merged']


def test_the_latent_branch_counts_before_exit_feature(costs):
    """Its stage 4 has run when "feature" answers, though that answer does not depend on it."""
    latent, feature = costs[1].by_operator, costs[2].by_operator
    assert feature['attention'] == latent['attention']
    assert feature['linear'] > latent['linear']


def test_steps_add_up_to_the_whole_network(costs):
    network = create_model('dyn_perceiver_regnety_tiny', num_classes=10).eval()
    with without_shortcuts(network):
        whole = count_macs(network, torch.zeros(1, 3, 64, 64))
    assert costs[-1].by_operator == dict(sorted(whole.items()))
    assert costs[-1].macs + costs[-1].other_ops == sum(whole.values())


def test_normalisation_and_pooling_stand_beside_the_macs(costs):
    counts = costs[-1].by_operator
    assert costs[-1].other_ops == (
        counts['batch_norm'] + counts['layer_norm'] + counts['adaptive_avg_pool2d']
    )


def test_macs_do_not_depend_on_the_classes_alone():
    """Closed form for the heads: every extra class costs one column in each classifier and FKT."""
    few, many = (
        exit_costs(create_model('dyn_perceiver_regnety_tiny', num_classes=n), (3, 64, 64))[-1].macs
        for n in (10, 11)
    )
    early, latent, feature, merged = create_model(
        'dyn_perceiver_regnety_tiny'
    ).backbone.exit_channels
    assert many - few == early + 2 * latent + feature + (merged + latent) + 2 * latent
