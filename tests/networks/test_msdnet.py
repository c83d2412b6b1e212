"""MSDNet: what each exit computes and when, training, settings."""

import math

import pytest
import torch
from torch import nn

import dynp_plugins
from dynp_plugins import UserError
from dynp_plugins.networks.lazy_plan import StepPlan, lazy_steps

TINY = dict(num_blocks=3, base=2, step=2, channels=4, growth_rate=2)
UNEVEN = dict(TINY, step=1)
"""4 layers for 3 scales: two scales are left at the end, and one of them is of no use."""
SETTINGS = [
    TINY,
    UNEVEN,
    dict(TINY, prune='min'),
    dict(TINY, step_mode='lin_grow', num_blocks=4, base=1, prune='min'),
    dict(TINY, num_scales=1, growth_factor=(1,), bottleneck_factor=(2,)),
]


def create(**settings):
    """A small network in eval mode, with BatchNorm statistics that have moved."""
    torch.manual_seed(0)
    network = dynp_plugins.create_model('msdnet', **settings)
    with torch.no_grad():
        for _ in range(2):
            network(images(network, batch=8))
    return network.eval()


def images(network, batch=3):
    """Of the size at which the classifiers pool 2x2 pixels: 32 for three scales."""
    side = 8 * network.backbone.exit_stride
    return torch.randn(batch, 3, side, side, generator=torch.Generator().manual_seed(1))


def run_steps(network, inputs, after_step=lambda k, state: state):
    """Logits of all exits, step by step; ``after_step`` may look at the state or change it."""
    state, logits = after_step(-1, network.start(inputs)), []
    for k in range(len(network.exit_names)):
        state, exit_logits = network.step(k, state, logits)
        state = after_step(k, state)
        logits.append(exit_logits)
    return logits


def convolutions_run(network):
    """By step, the start being part of the first one: names of the backbone's convolutions."""
    ran, by_step = [], []
    hooks = [
        module.register_forward_hook(lambda *_, name=name: ran.append(name))
        for name, module in network.backbone.named_modules()
        if isinstance(module, nn.Conv2d)
    ]

    def after_step(k, state):
        if k >= 0:
            by_step.append(ran.copy())
            ran.clear()
        return state

    with torch.no_grad():
        run_steps(network, images(network), after_step)
    for hook in hooks:
        hook.remove()
    return by_step


def convolutions_needed(network):
    """By exit: the backbone's convolutions its logits depend on, as autograd sees it."""
    convs = {n: m for n, m in network.backbone.named_modules() if isinstance(m, nn.Conv2d)}
    needed = []
    for logits in network(images(network)):
        gradients = torch.autograd.grad(
            logits.sum(), [m.weight for m in convs.values()], retain_graph=True, allow_unused=True
        )
        needed.append({n for n, g in zip(convs, gradients, strict=True) if g is not None})
    return needed


@pytest.mark.parametrize('settings', SETTINGS)
def test_lazy_steps_run_what_their_exit_depends_on_and_nothing_twice(settings):
    network = create(**settings)
    ran, needed = convolutions_run(network), convolutions_needed(network)
    done = set()
    for names, exit_needs in zip(ran, needed, strict=True):
        assert len(set(names)) == len(names)
        assert set(names) == exit_needs - done
        done |= set(names)


@pytest.mark.parametrize('settings', SETTINGS)
def test_without_lazy_a_step_runs_its_block_at_all_scales(settings):
    network = create(**settings, lazy=False)
    backbone = network.backbone
    blocks = [
        {
            f'units.{node}.{name}'
            for row in block
            for node in row.nodes
            for name, module in backbone.units[node].named_modules()
            if isinstance(module, nn.Conv2d)
        }
        for block in backbone.blocks
    ]
    ran = convolutions_run(network)
    assert [set(names) for names in ran] == blocks
    assert [len(names) for names in ran] == [len(block) for block in blocks]


@torch.no_grad()
@pytest.mark.parametrize('lazy', [True, False])
@pytest.mark.parametrize('settings', SETTINGS)
def test_steps_give_what_forward_gives_with_and_without_lazy(settings, lazy):
    network = create(**settings, lazy=lazy)
    other = dynp_plugins.create_model('msdnet', **settings, lazy=not lazy).eval()
    other.load_state_dict(network.state_dict())
    whole = network(images(network))
    for stepped, y, z in zip(
        run_steps(network, images(network)), whole, other(images(network)), strict=True
    ):
        assert torch.equal(stepped, y)
        torch.testing.assert_close(z, y, rtol=1e-5, atol=1e-6)


@torch.no_grad()
@pytest.mark.parametrize('lazy', [True, False])
def test_a_step_leaves_its_input_state_untouched(lazy):
    network = create(**TINY, lazy=lazy)
    state, logits = network.start(images(network)), []
    for k in range(len(network.exit_names)):
        before = {name: value.clone() for name, value in state.items()}
        after, exit_logits = network.step(k, state, logits)
        assert state.keys() == before.keys()
        assert all(torch.equal(state[name], before[name]) for name in before)
        state = after
        logits.append(exit_logits)


@torch.no_grad()
@pytest.mark.parametrize('lazy', [True, False])
def test_a_batch_can_be_thinned_between_steps(lazy):
    network, keep = create(**TINY, lazy=lazy), torch.tensor([0, 2])

    def thin(k, state):
        return {name: value[keep] for name, value in state.items()} if k == 0 else state

    whole, thinned = network(images(network)), run_steps(network, images(network), thin)
    assert torch.equal(thinned[0], whole[0])
    for y, full in zip(thinned[1:], whole[1:], strict=True):
        torch.testing.assert_close(y, full[keep], rtol=1e-4, atol=1e-5)


@torch.no_grad()
@pytest.mark.parametrize('settings', SETTINGS)
def test_the_lazy_state_holds_only_what_later_steps_read(settings):
    network = create(**settings)
    held = []  # (step, name of a tensor in the state behind it)
    run_steps(
        network, images(network), lambda k, state: held.extend((k, name) for name in state) or state
    )
    assert held and all(k < len(network.exit_names) - 1 for k, _ in held)
    for place in held:

        def drop(k, state, place=place):
            return {name: value for name, value in state.items() if (k, name) != place}

        with pytest.raises(KeyError):
            run_steps(network, images(network), drop)


def test_lazy_steps_of_a_small_graph():
    """Exit 1 reads b, exit 2 reads d; c is put off and e is never computed."""
    inputs = {'a': [], 'b': ['a'], 'c': ['a'], 'd': ['b', 'c'], 'e': ['d']}
    assert lazy_steps(inputs, ['a'], ['b', 'd', 'd']) == (
        StepPlan(('a',), ('a',)),
        StepPlan(('b',), ('a', 'b')),
        StepPlan(('c', 'd'), ('d',)),
        StepPlan((), ()),
    )


@pytest.mark.parametrize('prune', ['max', 'min'])
def test_a_fresh_network_learns(prune):
    torch.manual_seed(0)
    network = dynp_plugins.create_model('msdnet', num_classes=3, **TINY, prune=prune)
    optimizer = torch.optim.SGD(network.parameters(), lr=0.05, momentum=0.9)
    inputs, labels = torch.randn(12, 3, 32, 32), torch.arange(12) % 3
    losses = []
    for _ in range(12):
        loss = sum(nn.functional.cross_entropy(y, labels) for y in network(inputs))
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    assert losses[-1] < 0.5 * losses[0]
    assert all(p.grad is not None for p in network.parameters())


def test_fresh_convolutions_are_he_normal():
    """Standard deviation sqrt(2 / (k * k * channels out)), in the heads too."""
    network = dynp_plugins.create_model('msdnet')
    for conv in (
        network.backbone.units.layer1_scale2.normal[0][0],
        network.backbone.units.first_scale2[0],
        network.heads.classifiers.exit3[0][0],
    ):
        expected = math.sqrt(2 / (conv.kernel_size[0] ** 2 * conv.out_channels))
        assert conv.weight.std().item() == pytest.approx(expected, rel=0.1)


def on_meta(model, **settings):
    """A network without values: it knows all shapes and runs in no time."""
    with torch.device('meta'):
        return dynp_plugins.create_model(model, **settings).eval()


def test_names_and_overrides():
    published = ['cifar_step2_b7', 'cifar_step2_b10', 'cifar_lingrow_b5']
    published += ['imagenet_step4', 'imagenet_step6', 'imagenet_step7']
    assert {name for name in dynp_plugins.list_models() if name.startswith('msdnet')} == {
        'msdnet',
        *(f'msdnet_{name}' for name in published),
    }
    explicit = on_meta(
        'msdnet',
        num_classes=10,
        stem='cifar',
        num_blocks=7,
        base=4,
        step=2,
        step_mode='even',
        num_scales=3,
        channels=16,
        growth_rate=6,
        growth_factor=(1, 2, 4),
        bottleneck_factor=(1, 2, 4),
        reduction=0.5,
        prune='max',
    )
    named = on_meta('msdnet_cifar_step2_b7').state_dict()
    assert {k: v.shape for k, v in explicit.state_dict().items()} == {
        k: v.shape for k, v in named.items()
    }
    overridden = on_meta('msdnet_imagenet_step7', num_blocks=2, num_classes=5)
    assert overridden.exit_names == ('exit1', 'exit2')
    assert overridden.backbone.exit_channels == (88 * 4, 78 * 4)


@pytest.mark.parametrize(
    ('settings', 'message'),
    [
        (dict(stem='mnist'), r"stem='mnist': give one of \('cifar', 'imagenet'\)"),
        (dict(step_mode='odd'), r"step_mode='odd': give one of \('even', 'lin_grow'\)"),
        (dict(prune='none'), r"prune='none': give one of \('max', 'min'\)"),
        (dict(num_blocks=0), 'num_blocks=0: give a whole number of at least 1'),
        (dict(base=-1), 'base=-1'),
        (dict(step=1.5), 'step=1.5'),
        (dict(num_scales='3'), "num_scales='3'"),
        (dict(channels=0), 'channels=0'),
        (dict(growth_rate=True), 'growth_rate=True'),
        (dict(num_scales=4), r'growth_factor=\(1, 2, 4\): .* for each of the num_scales=4'),
        (dict(bottleneck_factor=(1, 2)), r'bottleneck_factor=\(1, 2\): .* num_scales=3'),
        (dict(bottleneck_factor='124'), "bottleneck_factor='124'"),
        (dict(growth_factor=(1, 0, 4)), r'growth_factor=\(1, 0, 4\)'),
        (dict(growth_factor=4), 'growth_factor=4'),
        (dict(growth_rate=3, growth_factor=(1, 1, 4)), 'adds 3 channels at scale 1'),
        (dict(reduction=-0.5), 'reduction=-0.5'),
        (dict(reduction=1.5), 'reduction=1.5'),
        (dict(reduction=0.01), r'reduction=0.01 leaves none of 58 channels'),
        (
            dict(prune='min', num_blocks=1, base=1),
            r'num_scales=3 are too many for 1 layers in all: give at most num_scales=2',
        ),
        (dict(num_classes=0), 'num_classes=0'),
    ],
)
def test_impossible_settings(settings, message):
    with pytest.raises(UserError, match=message):
        on_meta('msdnet', **settings)


@pytest.mark.parametrize(
    ('model', 'size', 'smallest', 'largest'),
    [('msdnet', 16, 17, 48), ('msdnet', 64, 17, 48), ('msdnet_imagenet_step4', 32, 129, 384)],
)
def test_image_sizes(model, size, smallest, largest):
    network = on_meta(model, num_blocks=1)
    for good in (smallest, largest):
        network(torch.zeros(1, 3, good, good, device='meta'))
    with pytest.raises(UserError, match=f'{size}x{size}.*{smallest}x{smallest}.*{largest}x'):
        network(torch.zeros(1, 3, size, size, device='meta'))
