"""RANet: the published networks' recorded values; steps, settings, errors."""

import functools
import re
from collections import Counter

import numpy as np
import pytest
import torch
from torch import nn
from torch.nn import functional as F

from benchmarks.macs import exit_costs
from dynp_plugins import UserError, create_model
from dynp_plugins.checkpoints import convert_state_dict
from dynp_plugins.networks import RANetBackbone, ranet_blocks

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


def extra_operations(network, image):
    """What the authors' counter adds to convolutions and matrices, up to each exit.

    Every input of a ReLU, as many per output of a pooling layer as its kernel has elements, and
    the biases of linear layers. It counts no norm, no resize and no bias of a convolution.
    """
    counted = [0]

    def count(module, inputs, output):
        if isinstance(module, nn.ReLU):
            counted[0] += inputs[0].numel()
        elif isinstance(module, nn.AvgPool2d | nn.MaxPool2d):
            counted[0] += output.numel() * module.kernel_size**2
        elif isinstance(module, nn.Linear):
            counted[0] += module.bias.numel()

    hooks = [module.register_forward_hook(count) for module in network.modules()]
    upto = [counted[0] for _ in steps(network, image)]
    for hook in hooks:
        hook.remove()
    return upto


@pytest.fixture(scope='module', params=RECORDED)
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
    extras = extra_operations(network, torch.zeros(1, 3, *[IMAGE_SIZES[name]] * 2))
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


@pytest.mark.parametrize('name', PUBLISHED_MMACS)
def test_macs_are_the_published_and_the_documented_ones(name):
    size = IMAGE_SIZES[name]
    macs = [cost.macs / 1e6 for cost in costs_of(name)]
    assert macs == pytest.approx(PUBLISHED_MMACS[name], rel=0.02)
    documented = re.search(rf'``{name}`` at {size}x{size}: ([\d., ]+)', RANetBackbone.__doc__)
    for value, text in zip(macs, documented[1].split(', '), strict=True):
        decimals = len(text.partition('.')[2])
        assert f'{value:.{decimals}f}' == text


def test_defaults_are_the_published_cifar_network():
    default, published = create_model('ranet'), create_model('ranet_cifar_1233')
    assert {k: v.shape for k, v in default.state_dict().items()} == {
        k: v.shape for k, v in published.state_dict().items()
    }


@torch.no_grad()
@pytest.mark.parametrize(('settings', 'size'), VARIANTS)
def test_settings_and_sizes_against_a_plain_run(settings, size):
    network = build(settings)
    images = random_images(size)
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


@torch.no_grad()
def test_a_step_leaves_its_input_state_untouched():
    network = build(TINY)
    state = network.start(random_images((32, 32)))
    for k in range(len(network.exit_names)):
        before = {name: value.clone() for name, value in state.items()}
        after, _ = network.step(k, state, [])
        assert state.keys() == before.keys()
        assert all(torch.equal(state[name], before[name]) for name in before)
        state = after


@torch.no_grad()
def test_a_batch_can_be_thinned_between_steps():
    network = build(TINY)
    keep = torch.tensor([0, 2])
    images = random_images((32, 32))
    whole = network(images)
    for leave_at in range(len(whole) - 1):
        state = network.start(images)
        for k, full in enumerate(whole):
            state, logits = network.step(k, state, [])
            torch.testing.assert_close(logits, full[keep] if k > leave_at else full)
            if k == leave_at:
                state = {name: value[keep] for name, value in state.items()}


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
