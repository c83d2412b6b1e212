"""The engine and the stream on a small network of every family, against full forwards."""

import functools

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn

import dynp_plugins
from dynp_plugins.early_exit import MEASURES, choose_exits
from dynp_plugins.early_exit.engine import EarlyExitEngine
from dynp_plugins.early_exit.stream import EarlyExitStream
from tests.networks.test_contract import NETWORKS

from .whole_number_network import draw_policy, expected_result, full_table, policy

FAMILIES = {
    **NETWORKS,
    'dyn_perceiver_resnet50': dict(
        width=0.375, num_latents=16, depth_factor=(1 / 9,) * 4, exits=('early', 'feature', 'merged')
    ),
    'msdnet by block': {**NETWORKS['msdnet'], 'lazy': False},
}
COUNT = 10
CLASSES = 11  # no other layer is as wide
DEVICES = [
    'cpu',
    pytest.param(
        'cuda', marks=pytest.mark.skipif(not torch.cuda.is_available(), reason='no CUDA device')
    ),
]


@functools.cache
def family(name, dtype):
    """A network in eval mode that is sure of some pictures and unsure of others, at every exit."""
    torch.manual_seed(0)
    network = dynp_plugins.create_model(name.split()[0], num_classes=CLASSES, **FAMILIES[name])
    for module in network.modules():
        if isinstance(module, nn.modules.batchnorm._BatchNorm):
            module.momentum = None  # statistics of the pictures
    network, images = network.to(dtype), pictures(dtype)
    classifiers = [
        module
        for module in network.modules()
        if isinstance(module, nn.Linear) and module.out_features == CLASSES
    ]
    with torch.no_grad():
        network(images)
        network.eval()
        for k, classifier in enumerate(classifiers):
            scale = 1.5 / network(images)[k].std()
            classifier.weight *= scale
            classifier.bias *= scale
    assert len(classifiers) == len(network.exit_names)
    return network


def pictures(dtype=torch.float64):
    """The last two are the first two once more, so that there are equal confidences."""
    images = torch.randn(COUNT - 2, 3, 40, 40, generator=torch.Generator().manual_seed(1))
    return torch.cat([images, images[:2]]).to(dtype)


@functools.cache
def double_table(name, measure, group_size):
    """In float64 the rounding of other batches is far below the last digit of a confidence."""
    return full_table(family(name, torch.float64), pictures(), measure, group_size)


def assert_result(result, expected):
    exits, logits, prediction, confidence = expected
    assert torch.equal(result.exit, exits) and torch.equal(result.reached, exits)
    assert torch.equal(result.prediction, prediction)
    assert torch.equal(result.confidence, confidence)
    torch.testing.assert_close(result.logits, logits, rtol=0, atol=1e-9)


@pytest.mark.parametrize('measure', MEASURES)
@pytest.mark.parametrize('name', FAMILIES)
@settings(max_examples=3, deadline=None)
@given(data=st.data(), group_size=st.sampled_from([1, 2]), capacity=st.integers(1, 4))
def test_runs_and_streams_equal_full_forwards(name, measure, data, group_size, capacity):
    network, images = family(name, torch.float64), pictures()
    table = double_table(name, measure, group_size)
    chosen = draw_policy(data, st, table[1], measure, network.exit_names)
    engine = EarlyExitEngine(network, chosen, group_size)
    expected = expected_result(table, chosen)
    assert_result(engine(images), expected)

    batches = images.split([2, 4, COUNT - 6])
    results = list(EarlyExitStream(engine, capacity * group_size)(batches))
    begins = np.cumsum([0] + [len(batch) // group_size for batch in batches])
    for begin, result in zip(begins, results, strict=False):
        rows = slice(begin, begin + len(result))
        assert_result(result, [values[rows] for values in expected])
    assert sum(map(len, results)) == len(expected[0])


def assert_result_up_to_rounding(result, table, chosen, tolerance):
    """What must be equal although other batches round differently.

    A confidence counts as safe if it is further than ``tolerance`` from its threshold. A sample
    whose confidences up to its exit are all safe must leave there; there its confidence is the
    same up to ``tolerance`` and its prediction is equal, unless its two best classes are as close.
    """
    logits, confidence = table
    thresholds = torch.tensor(chosen.thresholds)
    exits = torch.from_numpy(choose_exits(confidence.numpy(), thresholds.numpy()))
    passed = torch.arange(len(thresholds)) <= exits[:, None]
    safe = ((confidence - thresholds).abs() > tolerance) | ~passed
    safe = safe.all(1)
    rows = torch.arange(len(exits))
    assert safe.sum() >= len(safe) // 2
    assert torch.equal(result.exit[safe], exits[safe])
    expected = confidence[rows, exits]
    assert (result.confidence - expected)[safe].abs().max() <= tolerance
    probability = logits[rows, exits].float().softmax(-1)
    best = probability.topk(2).values
    clear = safe & (best[:, 0] - best[:, 1] > tolerance)
    assert clear.sum() >= len(clear) // 2
    assert torch.equal(result.prediction[clear], probability.argmax(-1)[clear])


def between_samples(confidence, exit_names, measure):
    """A policy whose thresholds lie in the widest gap between the samples there, about half way."""
    thresholds = []
    for k in range(len(exit_names) - 1):
        there = confidence[:, k].unique()
        there = there[len(there) // 4 : -(len(there) // 4) or None]
        gap = there.diff().argmax()
        thresholds.append(float(there[gap] + there[gap + 1]) / 2)
        confidence = confidence[confidence[:, k] < thresholds[-1]]
    assert len(confidence) > 0
    return policy(*thresholds, measure=measure, exit_names=exit_names)


@pytest.mark.parametrize('device', DEVICES)
@pytest.mark.parametrize('name', FAMILIES)
def test_float32_up_to_rounding(name, device):
    network, images = family(name, torch.float32).to(device), pictures(torch.float32).to(device)
    table = [values.cpu() for values in full_table(network, images, 'entropy')]
    chosen = between_samples(table[1], network.exit_names, 'entropy')
    result = EarlyExitEngine(network, chosen)(images)
    assert result.logits.dtype == torch.float32 and result.logits.device == images.device
    tolerance = 1e-5 if device == 'cpu' else 2e-3  # convolutions in TF32
    assert_result_up_to_rounding(on_cpu(result), table, chosen, tolerance)


@pytest.mark.parametrize('device', DEVICES)
@pytest.mark.parametrize('name', FAMILIES)
def test_autocast_up_to_rounding(name, device):
    network, images = family(name, torch.float32).to(device), pictures(torch.float32).to(device)
    with torch.autocast(device, torch.bfloat16):
        table = [values.cpu() for values in full_table(network, images, 'max_softmax')]
        chosen = between_samples(table[1], network.exit_names, 'max_softmax')
        result = EarlyExitEngine(network, chosen)(images)
    assert result.logits.dtype == torch.bfloat16 and result.confidence.dtype == torch.float32
    assert_result_up_to_rounding(on_cpu(result), table, chosen, tolerance=5e-3)


def on_cpu(result):
    return type(result)(**{name: value.cpu() for name, value in vars(result).items()})


@pytest.mark.parametrize('name', FAMILIES)
def test_a_single_image(name):
    network, images = family(name, torch.float64), pictures()
    table = double_table(name, 'margin', 1)
    chosen = between_samples(table[1], network.exit_names, 'margin')
    engine = EarlyExitEngine(network, chosen)
    exits, logits, prediction, confidence = expected_result(table, chosen)
    for i in range(3):
        result = engine(images[i : i + 1])
        one = (exits[i : i + 1], logits[i : i + 1], prediction[i : i + 1], confidence[i : i + 1])
        assert_result(result, one)
