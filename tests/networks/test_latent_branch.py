"""X2Z's shortcut: one strided convolution gives what convolution, residual and pooling give."""

import copy

import pytest
import torch
from torch import nn

from benchmarks.macs import exit_costs
from dynp_plugins import create_model
from dynp_plugins.networks.latent_branch import ImageToLatent, pooled_kernel
from dynp_plugins.networks.shortcuts import without_shortcuts

SIZES = [(16, 16), (4, 4), (20, 8), (12, 28)]
"""Multiples of the grid, 4: with cells of one pixel, and with cells that are no squares."""


def reading(channels=8, grid=4):
    torch.manual_seed(0)
    return ImageToLatent(channels, grid).double()


class CountsConvolutions:
    """Counts the calls of a module's depth-wise convolution as a module of its own."""

    def __init__(self, module):
        self.calls = 0
        module.dwconv.register_forward_hook(self)

    def __call__(self, *_):
        self.calls += 1


@pytest.mark.parametrize('size', SIZES, ids=str)
def test_the_shortcut_changes_neither_outputs_nor_gradients(size):
    module = reading()
    convolutions = CountsConvolutions(module)
    generator = torch.Generator().manual_seed(1)
    x = torch.randn(2, 8, *size, generator=generator, dtype=torch.double, requires_grad=True)
    up = torch.randn(2, 8, 4, 4, generator=generator, dtype=torch.double)
    reads = [x, module.dwconv.weight, module.dwconv.bias]
    short = module.read(x)
    assert convolutions.calls == 0
    with without_shortcuts(module):
        published = module.read(x)
    assert convolutions.calls == 1
    torch.testing.assert_close(short, published, rtol=1e-12, atol=1e-12)
    for a, b in zip(
        torch.autograd.grad(short, reads, up),
        torch.autograd.grad(published, reads, up),
        strict=True,
    ):
        torch.testing.assert_close(a, b, rtol=1e-12, atol=1e-12)


def test_sizes_that_the_grid_does_not_divide_take_no_shortcut():
    module = reading()
    convolutions = CountsConvolutions(module)
    x = torch.randn(2, 8, 18, 16, dtype=torch.double)
    expected = nn.functional.adaptive_avg_pool2d(module.dwconv(x) + x, 4)
    torch.testing.assert_close(module.read(x), expected)
    assert convolutions.calls == 2


def test_without_the_convolution_features_are_only_pooled():
    module = ImageToLatent(8, 4, with_dwc=False)
    x = torch.randn(2, 8, 16, 16)
    assert torch.equal(module.read(x), nn.functional.avg_pool2d(x, 4))


def test_the_kernel_of_one_cell_is_the_convolution_and_the_residual():
    weight = torch.randn(3, 1, 7, 7)
    kernel = pooled_kernel(weight, (1, 1))
    weight[:, :, 3, 3] += 1
    assert torch.equal(kernel, weight)


def test_a_network_trains_as_without_shortcuts():
    """A step of SGD changes every parameter alike."""
    networks = [create_model('dyn_perceiver_regnety_tiny', num_classes=10).double()]
    networks.append(copy.deepcopy(networks[0]))
    x = torch.randn(4, 3, 64, 64, dtype=torch.double)
    for network, shortcuts in zip(networks, (True, False), strict=True):
        for module in network.modules():
            if hasattr(module, 'takes_shortcut'):
                module.takes_shortcut = shortcuts
        sum(y.square().mean() for y in network(x)).backward()
        torch.optim.SGD(network.parameters(), lr=0.1).step()
    for (name, short), published in zip(
        networks[0].named_parameters(), networks[1].parameters(), strict=True
    ):
        torch.testing.assert_close(short, published, rtol=1e-9, atol=1e-9, msg=name)


def test_what_runs_is_what_the_shortcuts_save():
    """Four stages at 224 pixels: closed form of both depth-wise convolutions."""
    network = create_model('dyn_perceiver_regnety_800mf')
    published, run = (
        exit_costs(network, (3, 224, 224), shortcuts)[-1].macs for shortcuts in (False, True)
    )
    saved = 0
    *widths, _ = network.backbone.feature_branch.channels
    for channels, side in zip(widths, (112, 56, 28, 14), strict=True):
        s, k = side // 7, 7
        moving = (k + s - 1) * k * k + (k + s - 1) ** 2 * k  # the kernel is made on every call
        saved += channels * (side**2 * k**2 - 7**2 * (k + s - 1) ** 2 - moving)
    assert published - run == saved
    assert all(module.takes_shortcut for module in network.backbone.x2z)


def test_under_autocast_the_shortcut_runs_in_float32():
    """Else the residual's 1 beside a weight, rounded to 8 bits, would leave little of it."""
    module = reading().float()
    x = torch.randn(2, 8, 16, 16).bfloat16()  # as convolutions under autocast hand it out
    up = torch.randn(2, 8, 4, 4)
    answers = []
    for enabled in (False, True):
        with torch.autocast('cpu', torch.bfloat16, enabled=enabled):
            read = module.read(x if enabled else x.float())
        answers.append((read, *torch.autograd.grad(read, [*module.dwconv.parameters()], up)))
    for plain, mixed in zip(*answers, strict=True):
        assert torch.equal(plain, mixed)


def test_a_network_in_half_precision_keeps_its_weights_beside_the_residual():
    """Rounded together with the 1, they would be off by up to half of what is left of them."""
    module = reading().bfloat16()
    with torch.no_grad():
        module.dwconv.weight.fill_(1e-3)
    x = torch.randn(2, 8, 16, 16).bfloat16()
    found = module.read(x)
    with without_shortcuts(module):
        expected = module.float().read(x.float())
    assert found.dtype == torch.bfloat16
    torch.testing.assert_close(found, expected.bfloat16(), rtol=2**-8, atol=0)
