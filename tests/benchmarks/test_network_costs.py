"""Parameters, activations and multiply-adds of every exit and module against closed forms."""

import pytest
import torch
from torch import nn
from torch.nn import functional as F

from benchmarks.activations import count_activations
from benchmarks.macs import exit_costs
from benchmarks.network_costs import increments, network_costs
from dynp_plugins import UserError, create_model
from dynp_plugins.networks import ExitBackbone, ExitHeads, MultiExitNetwork

STEM, LATE = 4 * 3 * 9, 8 * 4 * 9  # weights of the two convolutions


class TwoExitBackbone(ExitBackbone):
    """A stem, an exit behind it, and a second convolution for the second exit."""

    exit_names = ('first', 'second')
    exit_channels = (4, 8)

    def __init__(self):
        super().__init__()
        self.stem = nn.Conv2d(3, 4, 3, padding=1, bias=False)
        self.scale = nn.Parameter(torch.ones(4, 1, 1))  # read in `step`, in no module
        self.late = nn.Conv2d(4, 8, 3, stride=2, padding=1)
        self.unused = nn.Linear(5, 6)

    def start(self, images):
        return {'x': self.stem(images)}

    def step(self, k, state):
        x = state['x'] * self.scale if k == 0 else self.late(state['x'])
        return {'x': x}, x.mean((2, 3))


class LinearHeads(ExitHeads):
    exit_names = ('first', 'second')
    in_channels = (4, 8)

    def __init__(self):
        super().__init__()
        self.layers = nn.ModuleList(nn.Linear(width, 5) for width in self.in_channels)

    def step(self, k, feature, previous_logits):
        return self.layers[k](feature)


@pytest.fixture(scope='module')
def costs():
    network = MultiExitNetwork(TwoExitBackbone(), LinearHeads())
    costs = network_costs(network, (3, 8, 6))
    assert all(module.training for module in network.modules())  # as it was before
    return costs


def test_multiply_adds(costs):
    first = 8 * 6 * STEM + 4 * 5
    assert [exit.macs for exit in costs.exits] == [first, first + 4 * 3 * LATE + 8 * 5]


def test_parameters_that_have_not_been_read_are_not_counted(costs):
    first = STEM + 4 + (4 * 5 + 5)
    second = first + LATE + 8 + (8 * 5 + 5)
    assert [exit.parameters for exit in costs.exits] == [first, second]
    assert costs.parameters == second + 5 * 6 + 6


def test_activations(costs):
    assert [exit.activations for exit in costs.exits] == [
        4 * 8 * 6 + 5,
        4 * 8 * 6 + 5 + 8 * 4 * 3 + 5,
    ]


def test_modules(costs):
    modules = {module.name: module for module in costs.modules}
    assert list(modules) == [
        '',
        'backbone',
        'backbone.stem',
        'backbone.late',
        'backbone.unused',
        'heads',
        'heads.layers',
        'heads.layers.0',
        'heads.layers.1',
    ]
    assert [modules[name].depth for name in ('', 'heads', 'heads.layers.1')] == [0, 1, 3]
    assert modules['backbone.stem'].macs == (8 * 6 * STEM,) * 2
    assert modules['backbone.late'].macs == (0, 4 * 3 * LATE)
    assert modules['backbone.late'].parameters == (0, LATE + 8)
    assert modules['backbone'].parameters == (STEM + 4, STEM + 4 + LATE + 8)
    assert modules['backbone.unused'].parameters == (0, 0)
    assert modules['heads'].macs == (4 * 5, 4 * 5 + 8 * 5)


def test_increments_add_up():
    assert increments([3, 5, 5, 9]) == [3, 2, 0, 4]


class EagerOrLazyBackbone(TwoExitBackbone):
    """Without ``lazy`` the second exit's convolution has run when the first answers."""

    def __init__(self):
        super().__init__()
        self.lazy = True

    def step(self, k, state):
        if self.lazy:
            return super().step(k, state)
        late = self.late(state['x']) if k == 0 else state['late']
        return {**state, 'late': late}, (late if k else state['x'] * self.scale).mean((2, 3))


def test_published_order_of_a_lazy_network(costs):
    network = MultiExitNetwork(EagerOrLazyBackbone(), LinearHeads())
    exits = network_costs(network, (3, 8, 6)).exits
    lazy = [exit.macs for exit in exits]
    assert lazy == [exit.macs for exit in costs.exits]
    assert [exit.macs_published_order for exit in exits] == [lazy[1] - 8 * 5, lazy[1]]
    assert network.backbone.lazy
    assert [exit.macs_published_order for exit in costs.exits] == [None, None]


class KeepsItsWeights(TwoExitBackbone):
    """Reads a parameter once in eval mode, and drops what it keeps of it in ``train``."""

    def __init__(self):
        super().__init__()
        self.kept = None

    def train(self, mode=True):
        if mode:
            self.kept = None
        return super().train(mode)

    def start(self, images):
        if self.kept is None:
            self.kept = self.scale * 2
        return {'x': self.stem(images) * self.kept}

    def step(self, k, state):
        x = state['x'] if k == 0 else self.late(state['x'])
        return {'x': x}, x.mean((2, 3))


def test_weights_that_are_read_once_count_every_time(costs):
    network = MultiExitNetwork(KeepsItsWeights(), LinearHeads()).eval()
    for _ in range(2):
        exits = network_costs(network, (3, 8, 6)).exits
        assert [exit.parameters for exit in exits] == [exit.parameters for exit in costs.exits]
    assert not network.training


class Attention(nn.Module):
    def forward(self, q, k, v):
        return F.scaled_dot_product_attention(q, k, v)


class PlainAttention(nn.Module):
    def forward(self, q, k, v):
        return (q @ k.transpose(-1, -2)).softmax(-1) @ v


class MatrixProduct(nn.Module):
    def forward(self, a, b):
        return torch.mm(a, b)


@pytest.mark.parametrize('module', [Attention(), PlainAttention()])
def test_activations_of_attention(module):
    q, k, v = torch.zeros(2, 3, 5, 8), torch.zeros(2, 3, 7, 8), torch.zeros(2, 3, 7, 6)
    assert count_activations(module, (q, k, v)) == 2 * 3 * 5 * (7 + 6)


def test_activations_of_a_matrix_product():
    assert count_activations(MatrixProduct(), (torch.zeros(3, 4), torch.zeros(4, 5))) == 3 * 5


def test_activations_of_a_convolution_whose_padding_has_a_name():
    conv = nn.Conv2d(3, 4, 3, padding='same')
    assert count_activations(conv, torch.zeros(1, 3, 8, 6)) == 4 * 8 * 6


class Unknown(nn.Module):
    def forward(self, x):
        return torch.linalg.svd(x)[0]


def test_activations_of_an_operator_nobody_knows():
    with pytest.raises(UserError, match=r'activations of Unknown: .* aten::linalg_svd'):
        count_activations(Unknown(), (torch.zeros(3, 3),))


class AttentionBackbone(ExitBackbone):
    exit_names = ('only',)
    exit_channels = (8,)

    def __init__(self):
        super().__init__()
        self.attention = nn.MultiheadAttention(8, 2, batch_first=True)

    def start(self, images):
        return {'tokens': images.flatten(2)}  # (B, 3, 8)

    def step(self, k, state):
        x = state['tokens']
        return state, self.attention(x, x, x, need_weights=False)[0].mean(1)


class OneHead(ExitHeads):
    exit_names = ('only',)
    in_channels = (8,)

    def step(self, k, feature, previous_logits):
        return feature


def test_fused_attention_of_torch_is_counted():
    network = MultiExitNetwork(AttentionBackbone(), OneHead())
    (exit,) = network_costs(network, (3, 2, 4)).exits
    tokens, width = 3, 8
    assert exit.macs == 4 * tokens * width**2 + 2 * tokens**2 * width
    assert exit.activations == 4 * tokens * width + 2 * tokens**2 + tokens * width
    assert exit.parameters == 4 * width**2 + 4 * width
    assert torch.backends.mha.get_fastpath_enabled()


@pytest.fixture(scope='module')
def tiny_costs():
    return network_costs(create_model('dyn_perceiver_regnety_tiny', num_classes=10), (3, 64, 64))


def test_dyn_perceiver_reads_all_its_parameters(tiny_costs):
    network = create_model('dyn_perceiver_regnety_tiny', num_classes=10)
    assert tiny_costs.parameters == sum(p.numel() for p in network.parameters())
    assert tiny_costs.exits[-1].parameters == tiny_costs.parameters
    unread = [
        network.backbone.feature_branch.stages[3],
        network.backbone.last_z2x,
        network.heads.fkt['merged'],
        network.heads.classifiers['feature'],
        network.heads.classifiers['merged'],
    ]
    count = sum(p.numel() for module in unread for p in module.parameters())
    assert tiny_costs.exits[1].parameters == tiny_costs.parameters - count


def test_multiply_adds_are_those_of_exit_costs(tiny_costs):
    network = create_model('dyn_perceiver_regnety_tiny', num_classes=10)
    for detailed, cost in zip(tiny_costs.exits, exit_costs(network, (3, 64, 64)), strict=True):
        assert (detailed.name, detailed.macs) == (cost.name, cost.macs)
        assert detailed.by_operator == cost.by_operator


def test_modules_add_up_to_the_whole(tiny_costs):
    modules = {module.name: module for module in tiny_costs.modules}
    whole = modules['']
    assert whole.macs == tuple(exit.macs for exit in tiny_costs.exits)
    assert whole.parameters == tuple(exit.parameters for exit in tiny_costs.exits)
    for k in range(4):
        for column in ('macs', 'parameters'):
            parts = [getattr(modules[name], column)[k] for name in ('backbone', 'heads')]
            assert getattr(whole, column)[k] == sum(parts)


def test_published_order_of_msdnet():
    settings = dict(num_blocks=3, base=2, step=1)
    lazy, eager = (create_model('msdnet', **settings, lazy=lazy) for lazy in (True, False))
    expected = tuple(exit.macs for exit in exit_costs(eager, (3, 32, 32)))
    for network in (lazy, eager):
        exits = network_costs(network, (3, 32, 32)).exits
        assert tuple(exit.macs_published_order for exit in exits) == expected
    assert exit_costs(lazy, (3, 32, 32))[0].macs < expected[0]
