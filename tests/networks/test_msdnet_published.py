"""The published MSDNets: logits, sizes and counts, recorded and derived, against ours."""

import inspect
import math
from itertools import accumulate

import numpy as np
import pytest
import torch

import dynp_plugins
from benchmarks.macs import exit_costs
from dynp_plugins.checkpoints import convert_state_dict
from dynp_plugins.networks import MSDNetBackbone

from .published_counts import counts

PUBLISHED = {
    'msdnet_cifar10_7b_even2_base4': 'msdnet_cifar_step2_b7',
    'msdnet_imagenet_5b_even4_base4': 'msdnet_imagenet_step4',
}
PUBLISHED_MMACS = {
    'msdnet_cifar_step2_b7': ['15.1', '25.5', '37.1', '46.3', '57.3', '67.0', '75.9'],
    'msdnet_cifar_step2_b10': ['15.1', *[None] * 8, '121.7'],
    'msdnet_cifar_lingrow_b5': ['6.9', '14.4', '27.5', '41.7', '58.5'],
    'msdnet_imagenet_step4': ['340', '686', '1008', '1255', '1361'],
    'msdnet_imagenet_step6': ['515', '1171', '1845', '2501', '2742'],
    'msdnet_imagenet_step7': ['616', '1436', '2283', '2967', '3254'],
}


def on_meta(model, **settings):
    """A network without values: it runs in no time and knows all shapes."""
    with torch.device('meta'):
        return dynp_plugins.create_model(model, **settings).eval()


@pytest.fixture(scope='module', params=PUBLISHED)
def published(request, reference):
    """(name of the recorded values, our model's name, its weights)."""
    model = PUBLISHED[request.param]
    return request.param, model, convert_state_dict(reference.state_dict(request.param), model)


@torch.no_grad()
@pytest.mark.parametrize('lazy', [True, False])
def test_logits_of_all_exits(published, reference, lazy):
    name, model, weights = published
    network = dynp_plugins.create_model(model, lazy=lazy).eval()
    network.load_state_dict(weights)
    recorded = torch.from_numpy(np.load(reference.logits_path(name))['logits'])
    size = reference.facts(name)['input_size']
    logits = network(reference.deterministic.reference_input(2, size))
    for ours, theirs in zip(logits, recorded, strict=True):
        assert (ours - theirs).abs().max() <= 2e-4 * theirs.abs().max()


def test_parameter_count(published, reference):
    name, model, _ = published
    network = on_meta(model)
    assert sum(p.numel() for p in network.parameters()) == reference.facts(name)['params']


def test_published_counts_are_ours_and_the_terms_their_counter_adds(published, reference):
    name, model, _ = published
    facts = reference.facts(name)
    size, recorded = facts['input_size'], facts['official_mflops_per_exit']
    network = dynp_plugins.create_model(model, lazy=False)
    macs = [cost.macs for cost in exit_costs(network, (3, size, size))]
    added = [terms for _, terms in counts(network.eval(), size)]
    assert [m + a for m, a in zip(macs, added, strict=True)] == [round(n * 1e6) for n in recorded]
    assert macs == pytest.approx([n * 1e6 for n in recorded], rel=0.02)


@pytest.mark.parametrize('model', PUBLISHED_MMACS)
def test_counts_of_the_other_published_settings(model):
    """To the last digit printed; those for CIFAR were made with the classifiers of CIFAR-100."""
    cifar = 'cifar' in model
    network = on_meta(model, lazy=False, num_classes=100 if cifar else 1000)
    counted = [sum(both) / 1e6 for both in counts(network, 32 if cifar else 224)]
    for ours, printed in zip(counted, PUBLISHED_MMACS[model], strict=True):
        if printed is not None:
            # Theirs are rounded to a digit behind the point (CIFAR) or to a million.
            assert ours == pytest.approx(float(printed), abs=0.0501 if cifar else 0.6)


@pytest.mark.parametrize('model', ['msdnet_cifar_step2_b7', 'msdnet_imagenet_step4'])
def test_the_docstring_says_what_lazy_saves(model):
    """Held to the digit: the table of `MSDNetBackbone` is what is counted."""
    cifar = 'cifar' in model
    size = 32 if cifar else 224
    block, lazy = (
        [cost.macs / 1e6 for cost in exit_costs(dynp_plugins.create_model(model, lazy=lazy), shape)]
        for shape in [(3, size, size)]
        for lazy in (False, True)
    )
    saved = [100 * (1 - x / y) for x, y in zip(lazy, block, strict=True)]
    assert all(x <= y for x, y in zip(lazy, block, strict=True))
    table = inspect.getdoc(MSDNetBackbone).split(model)[1]
    rows = {
        name: line.split(name)[1].split()
        for name in ('by block', 'lazy', 'saved in %')
        for line in table.splitlines()[1:4]
        if name in line
    }
    digits = 1 if cifar else 0
    assert rows == {
        'by block': [f'{n:.{digits}f}' for n in block],
        'lazy': [f'{n:.{digits}f}' for n in lazy],
        'saved in %': [f'{n:.1f}' for n in saved],
    }


def spec_counts(blocks, scales, channels, growth, factors, bottlenecks, reduction, prune):
    """Multiply-adds up to each CIFAR exit and all parameters, from the architecture's arithmetic.

    ``blocks`` are numbers of layers. Nothing of the network's own code is used.
    """
    total = sum(blocks)
    sides = [32 // 2**s for s in range(scales)]
    parameters = 0

    def conv(c_in, c_out, kernel, side):
        nonlocal parameters
        parameters += c_in * c_out * kernel**2 + 2 * c_out
        return c_in * c_out * kernel**2 * side**2

    def bottleneck(c_in, c_out, factor, side_in, side_out):
        inner = min(c_in, factor * c_out)
        return conv(c_in, inner, 1, side_in) + conv(inner, c_out, 3, side_out)

    def scales_out(layer):
        if prune == 'min':
            return min(scales, total - layer + 1)
        return scales - (layer - 1) // math.ceil(total / scales)

    def scales_in(layer):
        if prune == 'min':
            return min(scales, total - layer + 2)
        return scales - max(0, layer - 2) // math.ceil(total / scales)

    widths = [channels * factor for factor in factors]
    macs = sum(conv(a, b, 3, s) for a, b, s in zip([3, *widths], widths, sides, strict=False))
    by_exit, n, ends = [], channels, list(accumulate(blocks))
    for layer in range(1, total + 1):
        finest = scales - scales_out(layer)
        dropped = scales_in(layer) > scales_out(layer)
        for s in range(finest, scales):
            new = growth * factors[s]
            if s > finest or dropped:
                finer = n * factors[s - 1]
                macs += bottleneck(finer, new // 2, bottlenecks[s - 1], sides[s - 1], sides[s])
                new //= 2
            macs += bottleneck(n * factors[s], new, bottlenecks[s], sides[s], sides[s])
        n += growth
        if dropped if prune == 'max' else layer in (total // 3, 2 * total // 3):
            m = math.floor(reduction * n)
            macs += sum(
                conv(n * factors[s], m * factors[s], 1, sides[s]) for s in range(finest, scales)
            )
            n = m
        if layer in ends:
            side = sides[-1] // 2
            macs += conv(n * factors[-1], 128, 3, side) + conv(128, 128, 3, side // 2) + 128 * 10
            parameters += 128 * 10 + 10
            by_exit.append(macs)
    return by_exit, parameters


@pytest.mark.parametrize('prune', ['max', 'min'])
@pytest.mark.parametrize(
    ('settings', 'blocks'),
    [
        ({}, (4, 2, 2, 2, 2, 2, 2)),
        (dict(num_blocks=4, base=2, step=1, step_mode='lin_grow'), (2, 2, 3, 4)),
        (dict(num_blocks=2, base=1, step=1), (1, 1)),
        (dict(reduction=0.7), (4, 2, 2, 2, 2, 2, 2)),
    ],
)
def test_counts_follow_from_the_architecture(settings, blocks, prune):
    network = on_meta('msdnet', **settings, prune=prune, lazy=False)
    reduction = settings.get('reduction', 0.5)
    macs, parameters = spec_counts(blocks, 3, 16, 6, (1, 2, 4), (1, 2, 4), reduction, prune)
    assert [counted for counted, _ in counts(network, 32)] == macs
    assert sum(p.numel() for p in network.parameters()) == parameters
