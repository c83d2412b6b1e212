"""Which sizes a network takes, against sizes that it really runs on."""

import warnings

import pytest
import torch
import torchvision
from torch import nn

from dynp_plugins.networks.legal_sizes import size_complaint


def images(height, width=None):
    return torch.zeros(1, 3, height, width or height)


class Divisible(nn.Module):
    """Takes multiples of 12; keeps a tensor with a history, as a cache may."""

    def __init__(self):
        super().__init__()
        self.conv = nn.Conv2d(3, 4, 1)
        self.cache = {}

    def forward(self, images):
        self.cache['weight'] = self.conv.weight * 2
        height, width = images.shape[-2:]
        return self.conv(images).view(len(images), 4, height // 12, 12, width // 12, 12)


class Fixed(nn.Module):
    """Takes 20 to 23 pixels."""

    def __init__(self):
        super().__init__()
        self.linear = nn.Linear(3 * 25, 2)
        self.register_buffer('calls', torch.zeros(()))

    def forward(self, images):
        self.calls += 1
        return self.linear(nn.functional.max_pool2d(images, 4).flatten(1))


def runs(network, side):
    try:
        network(images(side))
    except (RuntimeError, AssertionError):
        return False
    return True


def test_the_smallest_size_is_named():
    network = Divisible()
    assert runs(network, 36)  # from here on its cache holds a tensor that cannot be copied
    assert size_complaint(network, images(36, 30)) == (
        'cannot take images of 36 x 30 pixels: the smallest square ones that it takes are 12 x 12'
    )


def test_a_range_of_sizes_is_named():
    assert size_complaint(Fixed(), images(24)) == (
        'cannot take images of 24 x 24 pixels: the square ones that it takes are 20 x 20 to 23 x 23'
    )


def test_what_builds_it_for_other_sizes_is_named():
    assert size_complaint(Fixed(), images(9), 'side=').endswith('; side= builds it for other sizes')


@pytest.mark.parametrize(
    ('name', 'smallest', 'illegal'),
    [('alexnet', 63, 62), ('vgg11', 32, 31), ('vit_b_32', 224, 223)],
)
def test_the_size_found_is_the_one_that_runs(name, smallest, illegal):
    network = torchvision.models.get_model(name).eval()
    complaint = size_complaint(network, images(illegal))
    assert f' {smallest} x {smallest}' in complaint
    assert 'only' in complaint if name.startswith('vit') else 'smallest' in complaint
    with torch.no_grad():
        assert runs(network, smallest)
        assert not runs(network, illegal)


def test_no_complaint_where_the_size_is_not_what_is_wrong():
    network = Divisible()
    assert size_complaint(network, images(24)) is None  # it takes that
    assert size_complaint(network, torch.zeros(1, 4, 20, 20)) is None  # no size helps
    assert size_complaint(network, torch.zeros(3, 20, 20)) is None


class Counted(nn.Module):
    """Takes images of 3 channels and counts the trials."""

    trials = 0

    def forward(self, images):
        type(self).trials += 1
        return images.unflatten(1, (3, 1))


def test_an_error_that_no_size_explains_is_not_delayed():
    Counted.trials = 0
    assert size_complaint(Counted(), images(64).byte()) is None
    assert Counted.trials == 0
    assert size_complaint(Counted(), torch.zeros(1, 4, 64, 64)) is None
    assert 0 < Counted.trials < 100  # all sizes would be 1024


def test_the_size_it_was_designed_for_is_tried_first():
    class Only(nn.Module):
        def forward(self, images):
            return images.view(len(images), 3, 333, 333)

    assert '333 x 333 is the only' in size_complaint(Only(), images(224), likely=333)


def test_the_network_itself_is_not_run():
    network, seen = Fixed().train(), []
    network.register_forward_hook(lambda module, inputs, output: seen.append(output))
    before = {key: value.clone() for key, value in network.state_dict().items()}
    assert size_complaint(network, images(24)) is not None
    assert seen == []
    assert network.training
    assert all(torch.equal(network.state_dict()[key], value) for key, value in before.items())
    assert all(not parameter.is_meta for parameter in network.parameters())


def test_it_works_while_a_tracer_is_watching():
    class Asks(nn.Module):
        def __init__(self):
            super().__init__()
            self.network = Fixed()

        def forward(self, images):
            complaints.append(size_complaint(self.network, images))
            return images + 1

    complaints = []
    with warnings.catch_warnings():
        warnings.simplefilter('ignore', FutureWarning)  # what counts operators still uses it
        traced = torch.jit.trace(Asks(), images(24), check_trace=False)
    assert '20 x 20 to 23 x 23' in complaints[0]
    assert {node.kind() for node in traced.graph.nodes()} <= {'prim::Constant', 'aten::add'}
