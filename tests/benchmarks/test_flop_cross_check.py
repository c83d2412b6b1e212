"""fvcore's count against torch's own FLOP counter, for every family of networks.

The two have nothing in common: fvcore reads a traced graph, torch counts operators as they are
dispatched. Both count convolutions and matrix products; attention, which has no formula in torch
on a CPU, is run as the two products it consists of.
"""

import re
from collections import Counter

import pytest
import torch
from torch.nn.attention import SDPBackend, sdpa_kernel
from torch.utils.flop_counter import FlopCounterMode

from benchmarks import macs
from dynp_plugins import UserError, create_model, list_models

STATIC = ['static:torchvision/mobilenet_v3_small', 'static:torchvision/swin_t']
SIDES = (64, 32, 224)
"""Tried in this order: no size suits all networks, and small ones are quick."""


def family(name):
    """The network's kind, and for Dyn-Perceivers the kind of CNN in it."""
    return re.match('(dyn_perceiver_)?[a-z]+', name)[0]


def representatives():
    """The smallest network of each family in `list_models`."""
    sizes = {}
    with torch.device('meta'):
        for name in list_models():
            sizes[name] = sum(p.numel() for p in create_model(name).parameters())
    smallest = {}
    for name in sorted(sizes, key=sizes.get, reverse=True):
        smallest[family(name)] = name
    return sorted(smallest.values())


def disagreement(name):
    """|fvcore - torch| / torch, of the multiply-adds of the whole network."""
    torch.manual_seed(0)
    network = create_model(name).eval().requires_grad_(False)
    for side in SIDES:
        try:
            ours = macs.exit_costs(network, (3, side, side), shortcuts=True)[-1].macs
            break
        except UserError as error:
            complaint = error
    else:
        raise complaint
    with sdpa_kernel(SDPBackend.MATH), FlopCounterMode(display=False) as counter:
        network(torch.zeros(1, 3, side, side))
    theirs = counter.get_total_flops() / 2
    assert theirs > 1e6
    return abs(ours - theirs) / theirs


@pytest.mark.parametrize('name', [*representatives(), *STATIC])
def test_fvcore_agrees_with_torch(name):
    assert disagreement(name) <= 0.01


def test_a_count_without_attention_does_not_agree(monkeypatch):
    monkeypatch.setattr(macs, 'attention_macs', lambda inputs, outputs: Counter())
    assert disagreement('dyn_perceiver_regnety_400mf') > 0.01


def test_a_count_without_linear_layers_does_not_agree(monkeypatch):
    operators = macs.MULTIPLY_ADD_OPERATORS - {'linear'}
    monkeypatch.setattr(macs, 'MULTIPLY_ADD_OPERATORS', operators)
    assert disagreement('dyn_perceiver_regnety_tiny') > 0.01
