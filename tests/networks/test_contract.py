"""What every network keeps of the contract of steps and exits."""

import pytest
import torch
from torch import nn

import dynp_plugins
from dynp_plugins import UserError
from dynp_plugins.networks import ExitBackbone, ExitHeads, MultiExitNetwork

NETWORKS = {
    'dyn_perceiver_regnety_tiny': {},
    'dyn_perceiver_resnet18': dict(width=0.375, num_latents=16, depth_factor=(1 / 9,) * 4),
    'dyn_perceiver_mobilenetv3': dict(width=0.5, num_latents=16, depth_factor=(1 / 9,) * 4),
    'msdnet': dict(
        stem='imagenet',
        num_blocks=3,
        base=2,
        num_scales=2,
        growth_factor=(1, 2),
        bottleneck_factor=(1, 2),
    ),
    'ranet': dict(
        stem='imagenet',
        scale_list=(1, 2),
        growth_factor=(2, 1),
        bottleneck_factor=(2, 1),
        step=2,
        block_step=1,
    ),
    'static:torchvision/mobilenet_v3_small': {},
}
"""A small network of every family, for 64x64 pictures."""


def images(batch=3):
    return torch.randn(batch, 3, 64, 64, generator=torch.Generator().manual_seed(1))


@pytest.fixture(scope='module', params=NETWORKS)
def network(request):
    """In eval mode, with BatchNorm statistics that have moved."""
    torch.manual_seed(0)
    network = dynp_plugins.create_model(request.param, num_classes=5, **NETWORKS[request.param])
    with torch.no_grad():
        for _ in range(3):
            network(torch.randn(8, 3, 64, 64))
    return network.eval()


def run_steps(network, inputs, after_step=lambda k, state: state):
    state, logits = network.start(inputs), []
    for k in range(len(network.exit_names)):
        state, exit_logits = network.step(k, state, logits)
        logits.append(exit_logits)
        state = after_step(k, state)
    return logits


@torch.no_grad()
def test_exits_are_named_and_shaped(network):
    logits = network(images())
    assert len(network.exit_names) == len(set(network.exit_names)) == len(logits)
    assert all(y.shape == (3, 5) and torch.isfinite(y).all() for y in logits)


@torch.no_grad()
def test_steps_give_exactly_what_forward_gives(network):
    stepped, whole = run_steps(network, images()), network(images())
    assert all(map(torch.equal, stepped, whole))


@torch.no_grad()
def test_state_is_batch_first_tensors(network):
    def check(k, state):
        assert all(isinstance(value, torch.Tensor) for value in state.values())
        assert {len(value) for value in state.values()} <= {3}
        return state

    check(0, network.start(images()))
    run_steps(network, images(), check)


@torch.no_grad()
def test_a_step_leaves_its_input_state_untouched(network):
    """Otherwise the samples that stay could not be run again, or by another backend."""
    state, logits = network.start(images()), []
    for k in range(len(network.exit_names)):
        before = {name: value.clone() for name, value in state.items()}
        after, exit_logits = network.step(k, state, logits)
        assert state.keys() == before.keys()
        assert all(torch.equal(state[name], before[name]) for name in before)
        state = after
        logits.append(exit_logits)


@torch.no_grad()
def test_a_batch_can_be_thinned_after_any_step(network):
    keep = torch.tensor([2, 0])
    whole = network(images())
    for thinned_after in range(len(network.exit_names) - 1):
        state, logits = network.start(images()), []
        for k in range(len(network.exit_names)):
            state, exit_logits = network.step(k, state, logits)
            logits.append(exit_logits)
            if k == thinned_after:
                state = {name: value[keep] for name, value in state.items()}
                logits = [y[keep] for y in logits]
        for thinned, full in zip(logits, whole, strict=True):
            torch.testing.assert_close(thinned, full[keep], rtol=1e-4, atol=1e-5)


def test_every_parameter_learns(network):
    """The sum over the exits reaches every parameter, so that none is dead weight."""
    network.train()
    try:
        sum(y.square().sum() for y in network(images(4))).backward()
        dead = [name for name, p in network.named_parameters() if p.grad is None]
    finally:
        network.eval().zero_grad()
    assert dead == []


@pytest.mark.parametrize(
    ('images', 'seen'),
    [
        (torch.zeros(2, 1, 64, 64), r'\(2, 1, 64, 64\) of float32'),
        (torch.zeros(2, 4, 64, 64), r'\(2, 4, 64, 64\) of float32'),
        (torch.zeros(3, 64, 64), r'\(3, 64, 64\) of float32'),
        (torch.zeros(2, 3, 64, 64, dtype=torch.uint8), r'\(2, 3, 64, 64\) of uint8'),
    ],
    ids=['grey', 'four_channels', 'single', 'bytes'],
)
def test_what_are_no_images_is_refused(network, images, seen):
    wanted = r'images must be \(B, 3, H, W\) of floating point, not '
    with pytest.raises(UserError, match=wanted + seen):
        network(images)
    with pytest.raises(UserError, match=wanted + seen):
        network.start(images)


@torch.no_grad()
@pytest.mark.parametrize('dtype', [torch.float32, torch.bfloat16])
def test_autocast_runs_on_images_of_either_type(network, dtype):
    with torch.autocast('cpu', torch.bfloat16):
        logits = network(images().to(dtype))
    assert all(y.shape == (3, 5) and torch.isfinite(y).all() for y in logits)


@torch.no_grad()
def test_the_check_of_the_images_can_be_exported(network):
    exported = torch.export.export(network, (images(),)).module()
    for ours, theirs in zip(network(images()), exported(images()), strict=True):
        torch.testing.assert_close(theirs, ours, rtol=1e-4, atol=1e-5)


class Chain(ExitBackbone):
    """Three exits on a chain of factors: exit k gives x * w_0 * .. * w_k."""

    exit_names = ('a', 'b', 'c')
    exit_channels = (1, 1, 1)

    def __init__(self):
        super().__init__()
        self.factors = nn.Parameter(torch.ones(3))

    def start(self, images):
        return {'x': images}

    def step(self, k, state):
        x = state['x'] * self.factors[k]
        return {'x': x}, x


class Through(ExitHeads):
    exit_names = ('a', 'b', 'c')
    in_channels = (1, 1, 1)

    def step(self, k, feature, previous_logits):
        return feature


def gradients(rescale):
    network = MultiExitNetwork(Chain(), Through())
    network.backbone.rescale_gradients = rescale
    sum(y.sum() for y in network(torch.ones(1, 1))).backward()
    return network.backbone.factors.grad.tolist()


def test_gradient_rescaling():
    """Without it, a factor's gradient grows with the exits behind it; with it, it does not.

    Of n exits still to come, the nearest counts 1 / n and the others (n - 1) / n: every factor
    sees weights that add up to 1.
    """
    assert gradients(rescale=False) == [3, 2, 1]
    assert gradients(rescale=True) == pytest.approx([1, 1, 1])


@torch.no_grad()
def test_gradient_rescaling_changes_no_prediction(network):
    plain = network(images())
    network.backbone.rescale_gradients = True
    try:
        assert all(map(torch.equal, network(images()), plain))
    finally:
        network.backbone.rescale_gradients = False
