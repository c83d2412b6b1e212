"""RANet: steps, settings, errors."""

from collections import Counter

import pytest
import torch
from torch import nn
from torch.nn import functional as F

from dynp_plugins import UserError, create_model

TINY = dict(
    scale_list=(1, 2, 3),
    growth_factor=(2, 2, 1),
    bottleneck_factor=(2, 2, 1),
    channels=4,
    growth_rate=4,
    num_blocks=1,
    block_step=1,
    step=2,
)
# Other shapes of the same thing, with a size that the classifiers can pool. The third has exits
# behind a transition, the fourth two sub-networks of the lowest resolution.
VARIANTS = [
    (TINY, (32, 32)),
    (dict(TINY, step_mode='lg', num_blocks=2), (21, 37)),
    (dict(TINY, scale_list=(1, 2, 2), block_step=3), (24, 11)),
    (dict(TINY, scale_list=(1, 1, 2), step=1), (16, 16)),
    (dict(TINY, stem='imagenet', compress_factor=0.6, reduction=0.3), (97, 70)),
    (dict(TINY, scale_list=(1,), growth_factor=(1,), bottleneck_factor=(4,)), (8, 8)),
]


def build(settings, seed=0):
    """A network in eval mode, with BatchNorm statistics that do something."""
    torch.manual_seed(seed)
    network = create_model('ranet', num_classes=5, **settings).eval()
    for module in network.modules():
        if isinstance(module, nn.BatchNorm2d):
            nn.init.normal_(module.running_mean, std=0.1)
            nn.init.uniform_(module.running_var, 0.7, 1.3)
    return network


def without_dead_units(network):
    """The network with slopes everywhere, so that a gradient of 0 means no influence."""
    for module in list(network.modules()):
        for name, child in module.named_children():
            if isinstance(child, nn.ReLU):
                setattr(module, name, nn.LeakyReLU(0.5))
    return network


def random_images(size, batch=3):
    return torch.randn(batch, 3, *size, generator=torch.Generator().manual_seed(1))


def steps(network, images):
    """Yield the state and the logits behind every step."""
    state, logits = network.start(images), []
    for k in range(len(network.exit_names)):
        state, exit_logits = network.step(k, state, logits)
        logits.append(exit_logits)
        yield state, exit_logits


def run_by_hand(network, images):
    """All exits in the order of the paper, with every feature kept and every resize done."""
    inputs = [images]
    for layer in network.backbone.first_layers:
        inputs.append(layer(inputs[-1]))
    logits, low = [], []
    for x, blocks in zip(reversed(inputs[1:]), network.backbone.sub_networks, strict=True):
        features = []
        for b, block in enumerate(blocks):
            seen = [x]
            for j, layer in enumerate(block.layers):
                own = layer.own(x)
                parts = [x, own]
                if b < len(low):
                    parts = [resize(x, own), resize(layer.low(low[b][j]), own), own]
                x = torch.cat(parts, 1)
                seen.append(x)
            if b < len(low):
                x = torch.cat([x, resize(block.closing(low[b][-1]), x)], 1)
            if block.transition is not None:
                x = block.transition(x)
            if b >= len(low):
                logits.append(network.heads.step(len(logits), x, logits))
            features.append(seen)
        low = features
    return logits


def resize(x, like):
    return F.interpolate(x, size=like.shape[2:], mode='bilinear', align_corners=True)


def test_defaults_are_the_published_cifar_network():
    default, published = create_model('ranet'), create_model('ranet_cifar_1233')
    assert {k: v.shape for k, v in default.state_dict().items()} == {
        k: v.shape for k, v in published.state_dict().items()
    }


@torch.no_grad()
@pytest.mark.parametrize(('settings', 'size'), VARIANTS)
def test_settings_and_sizes_against_a_plain_run(settings, size):
    network = build(settings)
    images = random_images(size).contiguous(memory_format=torch.channels_last)
    logits = network(images)
    assert [tuple(y.shape) for y in logits] == [(3, 5)] * len(network.exit_names)
    for stepwise, (_, stepped), plain in zip(
        logits, steps(network, images), run_by_hand(network, images), strict=True
    ):
        assert torch.equal(stepwise, stepped)
        torch.testing.assert_close(stepped, plain, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize(('step_mode', 'layers'), [('even', [2, 2, 2, 2]), ('lg', [2, 4, 6, 8])])
def test_layers_per_block(step_mode, layers):
    network = create_model('ranet', **dict(TINY, step_mode=step_mode, num_blocks=2))
    for blocks, exits in zip(network.backbone.sub_networks, (2, 3, 4), strict=True):
        assert [len(block.layers) for block in blocks] == layers[:exits]
    assert network.exit_names == ('exit1', 'exit2', 'exit3', 'exit4')


@pytest.mark.parametrize(('settings', 'size'), VARIANTS)
def test_the_state_holds_nothing_that_no_later_step_reads(settings, size):
    """Every channel of every entry has an influence on a later exit."""
    network = without_dead_units(build(settings)).double()
    states = [state for state, _ in steps(network, random_images(size).double())]
    for k, state in enumerate(states[:-1]):
        # Cut off from the steps that made it, through which one entry depends on another.
        given = {name: value.detach().requires_grad_() for name, value in state.items()}
        state, answer = given, 0
        for later in range(k + 1, len(states)):
            state, logits = network.step(later, state, [])
            answer = answer + logits.square().sum()
        for gradient in torch.autograd.grad(answer, list(given.values()), allow_unused=True):
            assert gradient is not None
            assert (gradient.abs().amax((0, 2, 3)) > 0).all()
    assert states[-1] == {}


@torch.no_grad()
@pytest.mark.parametrize(('settings', 'size'), VARIANTS)
def test_nothing_runs_twice(settings, size):
    network = build(settings)
    calls = Counter()
    leaves = [m for m in network.modules() if isinstance(m, nn.Conv2d | nn.Linear)]
    for module in leaves:
        module.register_forward_hook(lambda m, *_: calls.update([m]))
    network(random_images(size))
    assert calls == dict.fromkeys(leaves, 1)


@pytest.mark.parametrize(('settings', 'size'), [({}, (32, 32)), *VARIANTS])
def test_nothing_runs_before_its_exit(settings, size):
    """Every convolution that a step runs has an influence on the exit of that very step.

    This is why there is no lazy mode: nothing could be put off or left out.
    """
    network = without_dead_units(build(settings)).double()
    ran = []
    for module in network.modules():
        if isinstance(module, nn.Conv2d | nn.Linear):
            module.register_forward_hook(lambda m, *_: ran.append(m.weight))
    for _, logits in steps(network, random_images(size, batch=1).double()):
        gradients = torch.autograd.grad(logits.square().sum(), ran, retain_graph=True)
        assert len(gradients) > 0
        assert all(gradient.abs().max() > 0 for gradient in gradients)
        ran.clear()


def test_a_fresh_network_trains():
    torch.manual_seed(0)
    network = create_model('ranet', num_classes=4, **TINY)
    images, target = random_images((32, 32), batch=16), torch.arange(16) % 4
    optimizer = torch.optim.SGD(network.parameters(), lr=0.1, momentum=0.9)
    losses = []
    for _ in range(12):
        loss = sum(F.cross_entropy(logits, target) for logits in network(images))
        optimizer.zero_grad()
        loss.backward()
        assert [name for name, p in network.named_parameters() if p.grad is None] == []
        optimizer.step()
        losses.append(loss.item())
    assert losses[-1] < 0.5 * losses[0]


@pytest.mark.parametrize(
    ('settings', 'message'),
    [
        (dict(stem='mnist'), r"stem='mnist': give one of cifar, imagenet"),
        (dict(step_mode='odd'), r"step_mode='odd': give one of even, lg"),
        (dict(channels=0), r'channels=0: give a whole number'),
        (dict(growth_rate=-6), r'growth_rate=-6: give a whole number'),
        (dict(num_blocks=1.5), r'num_blocks=1\.5: give a whole number'),
        (dict(block_step=0), r'block_step=0: give a whole number'),
        (dict(step='4'), r"step='4': give a whole number"),
        (dict(scale_list=()), r'scale_list=\(\): give one whole number'),
        (dict(scale_list=3), r'scale_list=3: give one whole number'),
        (dict(scale_list='123'), r"scale_list='123': give one whole number"),
        (dict(scale_list=(2, 3, 3)), r'scale_list=\(2, 3, 3\): start at 1'),
        (dict(scale_list=(1, 2, 1)), r'scale_list=\(1, 2, 1\): start at 1'),
        (dict(scale_list=(1, 3, 3)), r'scale_list=\(1, 3, 3\): start at 1'),
        (dict(growth_factor=(2, 1)), r'growth_factor=\(2, 1\) has 2 entries, but scale_list'),
        (dict(bottleneck_factor=(2, 2, 1, 1)), r'bottleneck_factor=\(2, 2, 1, 1\) has 4 entries'),
        (dict(growth_factor=(2, 1, 0)), r'growth_factor=\(2, 1, 0\): give one whole number'),
        (dict(compress_factor=1.0), r'compress_factor=1\.0: give a number between 0 and 1'),
        (dict(compress_factor=0.2), r'compress_factor=0\.2 of growth_rate \* growth_factor = 4'),
        (dict(reduction=0), r'reduction=0: give a number above 0'),
        (dict(reduction=0.01), r'reduction=0\.01 leaves nothing of \d+ channels'),
        (dict(layers=3), r"no setting 'layers'; valid are num_classes, stem, scale_list"),
    ],
)
def test_bad_settings_are_refused(settings, message):
    with pytest.raises(UserError, match=message):
        create_model('ranet', **{**TINY, **settings})


@pytest.mark.parametrize('size', [(16, 32), (32, 49)])
def test_images_the_classifiers_cannot_pool_are_refused(size):
    with pytest.raises(UserError, match='at least 17x17 and at most 48x48'):
        build(TINY)(random_images(size))
