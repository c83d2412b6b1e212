"""Compiled steps give what the network gives, in any batch size, and to the engine as well."""

import importlib.util
import re
import subprocess
import sys

import pytest
import torch

from dynp_plugins import UserError, create_model
from dynp_plugins.early_exit import ALWAYS, EarlyExitEngine, EarlyExitStream, ExitPolicy
from dynp_plugins.early_exit.compiled import BACKENDS, compile_steps
from dynp_plugins.early_exit.compiled import backends as backends_module
from dynp_plugins.early_exit.compiled.backends import BackendOptions
from dynp_plugins.early_exit.measures import confidence_measure
from dynp_plugins.networks.attention import SelfAttentionLayer

TOLERANCE = 1e-4
"""Of the largest logit."""

FAMILIES = {
    'dyn_perceiver_regnety_tiny': {},
    'dyn_perceiver_resnet18': dict(width=0.125, image_size=64),
    'dyn_perceiver_mobilenetv3': dict(width=0.25, image_size=64),
    'msdnet_cifar_step2_b7': {},
    'ranet_cifar_1233': {},
}


def optional(backend):
    package = {'openvino': 'openvino', 'onnxruntime': 'onnxruntime'}.get(backend)
    missing = package is not None and importlib.util.find_spec(package) is None
    marks = [pytest.mark.skipif(missing, reason=f'{package} is not installed')]
    if backend != 'eager':
        marks.append(pytest.mark.slow)  # compiling takes its time
    return pytest.param(backend, marks=marks)


EVERY_BACKEND = [optional(backend) for backend in BACKENDS]


@pytest.fixture
def images():
    return torch.randn(7, 3, 64, 64, generator=torch.Generator().manual_seed(1))


@pytest.fixture
def logits(tiny, images):
    with torch.no_grad():
        return tiny(images)


def largest_difference(found, expected):
    """Of all exits, as a part of the largest logit."""
    pairs = zip(found, expected, strict=True)
    return max(float((a - b).abs().max() / b.abs().max()) for a, b in pairs)


@pytest.mark.parametrize('backend', EVERY_BACKEND)
def test_every_backend_agrees_with_the_network(tiny, images, logits, backend):
    steps = compile_steps(tiny, backend, batch_sizes=(1, 4), threads=1)
    assert (steps.exit_names, steps.batch_sizes) == (tiny.exit_names, (1, 4))
    assert largest_difference(steps(images), logits) < TOLERANCE
    state, stepped = steps.start(images), []
    for k in range(len(steps.exit_names)):
        state, new = steps.step(k, state, stepped)
        assert all(len(value) == len(images) for value in state.values())
        stepped.append(new)
    assert state == {}
    assert largest_difference(stepped, logits) < TOLERANCE


@pytest.mark.parametrize('backend', [p for p in EVERY_BACKEND if p.values[0] != 'onnxruntime'])
def test_bfloat16_is_near_and_answers_in_float32(tiny, images, logits, backend):
    steps = compile_steps(tiny, backend, torch.bfloat16, batch_sizes=(4,), threads=1)
    found = steps(images)
    assert {value.dtype for value in found} == {torch.float32}
    assert 0 < largest_difference(found, logits) < 0.03


@pytest.mark.parametrize('backend', EVERY_BACKEND)
def test_early_exit_in_batches_and_streams(tiny, images, logits, backend):
    """The same images leave at the same exits as with the network itself."""
    confidence = confidence_measure('max_softmax')([logits[0]])
    thresholds = (float(confidence.sort().values[3:5].mean()), 0.5, 0.9, ALWAYS)
    policy = ExitPolicy(tiny.exit_names, 'max_softmax', thresholds)
    expected = EarlyExitEngine(tiny, policy)(images)
    engine = EarlyExitEngine(compile_steps(tiny, backend, batch_sizes=(1, 4), threads=1), policy)
    (streamed,) = EarlyExitStream(engine, batch_size=4)([images])
    for found in (engine(images), streamed):
        assert torch.equal(found.exit, expected.exit)
        torch.testing.assert_close(found.logits, expected.logits, rtol=1e-4, atol=1e-4)
    assert expected.exit.min() == 0 < expected.exit.max()


@pytest.mark.parametrize(
    'backend', [p for p in EVERY_BACKEND if p.values[0] in ('eager', 'openvino')]
)
@pytest.mark.parametrize('name', FAMILIES)
def test_every_family(name, backend):
    torch.manual_seed(0)
    settings = dict(FAMILIES[name])
    size = settings.pop('image_size', None)
    network = create_model(name, num_classes=5, **settings).eval()
    side = size or network.backbone.image_size
    images = torch.randn(3, 3, side, side)
    with torch.no_grad():
        expected = network(images)
    steps = compile_steps(network, backend, batch_sizes=(2,), threads=1, image_size=size)
    assert largest_difference(steps(images), expected) < TOLERANCE


@pytest.mark.parametrize('backend', [p for p in EVERY_BACKEND if p.values[0] != 'onnxruntime'])
def test_frames_of_a_clip_stay_together(backend):
    network = create_model('dyn_perceiver_regnety_tiny', num_classes=5, num_segments=4).eval()
    frames = torch.randn(12, 3, 64, 64)
    with torch.no_grad():
        expected = network(frames)
    steps = compile_steps(network, backend, batch_sizes=(1, 2), threads=1)
    assert (steps.batch_sizes, steps.num_segments) == ((4, 8), 4)
    assert largest_difference(steps(frames), expected) < TOLERANCE


def test_some_of_the_graphs_alone(tiny, images, logits):
    steps = compile_steps(tiny, 'eager', batch_sizes=(1, 2, 4), threads=1)
    some = steps.only((4, 1))
    assert (some.batch_sizes, steps.batch_sizes) == ((1, 4), (1, 2, 4))
    assert largest_difference(some(images), logits) < TOLERANCE
    clips = compile_steps(
        create_model('dyn_perceiver_regnety_tiny', num_segments=4), 'eager', batch_sizes=(1, 2)
    )
    assert clips.only((2,)).batch_sizes == (8,)


def test_the_network_is_left_alone(tiny, images, logits):
    tiny.train()
    steps = compile_steps(tiny, 'eager', torch.bfloat16)
    assert tiny.training
    assert {p.dtype for p in tiny.parameters()} == {torch.float32}
    assert all(p.requires_grad for p in tiny.parameters())
    before = steps(images)
    with torch.no_grad():
        tiny.heads.classifiers['early'].weight.zero_()
    assert all(torch.equal(a, b) for a, b in zip(before, steps(images), strict=True))


def test_threads_are_those_of_the_call_alone(tiny, images):
    before = torch.get_num_threads()
    torch.set_num_threads(2)
    seen = []
    try:
        steps = compile_steps(tiny, 'eager', threads=1)
        steps._graphs[0][16] = lambda inputs: (seen.append(torch.get_num_threads()), 1 / 0)
        with pytest.raises(ZeroDivisionError):
            steps(images.repeat(3, 1, 1, 1)[:16])
        assert (seen, torch.get_num_threads()) == ([1], 2)
    finally:
        torch.set_num_threads(before)


@pytest.mark.parametrize(
    ('settings', 'message'),
    [
        (dict(backend='tensorrt'), "backend='tensorrt': choose one of eager, inductor, openvino"),
        (dict(dtype=torch.int8), 'dtype=torch.int8: choose one of torch.float32'),
        (dict(batch_sizes=()), 'batch_sizes=(): give whole numbers of at least 1'),
        (dict(batch_sizes=(0, 4)), 'batch_sizes=(0, 4)'),
        (dict(threads=0), 'threads=0: give a whole number of at least 1'),
    ],
)
def test_settings_that_cannot_be(tiny, settings, message):
    with pytest.raises(UserError, match=re.escape(message)):
        compile_steps(tiny, **{'backend': 'eager', **settings})


def test_images_of_another_size(tiny):
    steps = compile_steps(tiny, 'eager', image_size=(64, 32))
    with pytest.raises(
        UserError, match=r'compiled for images of 64 x 32; .* image_size=\(64, 64\)'
    ):
        steps(torch.zeros(1, 3, 64, 64))


@pytest.mark.parametrize('backend', ['openvino', 'onnxruntime'])
def test_a_missing_package_is_named(tiny, monkeypatch, backend):
    def missing(name):
        raise ImportError(f'No module named {name!r}')

    monkeypatch.setattr(backends_module.importlib, 'import_module', missing)
    with pytest.raises(UserError, match=re.escape(f"pip install 'dynp-plugins[{backend}]'")):
        compile_steps(tiny, backend)


@pytest.mark.parametrize(
    'dtype', [torch.bfloat16, pytest.param(torch.float32, marks=pytest.mark.slow)], ids=str
)
@torch.no_grad()
def test_attention_of_as_many_heads_as_tokens(dtype):
    """OpenVINO's fused attention is off by a fifth and more where the two are equal."""
    pytest.importorskip('openvino')
    torch.manual_seed(0)
    layer = SelfAttentionLayer(96, num_heads=4).eval()
    for parameter in layer.attention.parameters():
        parameter.normal_(std=0.1)
    tokens = torch.randn(8, 4, 96)
    model = backends_module.openvino_model(torch.export.export(layer, (tokens,)))
    (found,) = backends_module.openvino_run(model, BackendOptions(dtype, 1))((tokens,))
    expected = layer(tokens)
    limit = 1e-5 if dtype == torch.float32 else 1e-2
    assert (found - expected).norm() < limit * expected.norm()


def test_openvino_knows_all_sizes():
    """Of open ones the conversion makes many, which cost time in every call."""
    pytest.importorskip('openvino')
    program = torch.export.export(torch.nn.Conv2d(3, 4, 3), (torch.zeros(2, 3, 8, 8),))
    model = backends_module.openvino_model(program)
    assert [list(value.shape) for value in model.inputs] == [[2, 3, 8, 8]]
    (shape,) = (
        value.get_partial_shape()
        for value in backends_module.openvino_model(program, any_batch=True).inputs
    )
    assert [size.is_dynamic for size in shape] == [True, False, False, False]


@pytest.mark.slow
def test_openvino_tells_nobody(tmp_path, monkeypatch):
    pytest.importorskip('openvino')
    monkeypatch.setenv('HOME', str(tmp_path))
    code = (
        'from dynp_plugins import create_model\n'
        'from dynp_plugins.early_exit import compile_steps\n'
        'network = create_model("dyn_perceiver_regnety_tiny", exits=("merged",))\n'
        'compile_steps(network, "openvino", batch_sizes=(1,), threads=1)\n'
        'from openvino.tools.ovc import convert_impl\n'
        'print(convert_impl.tm.__name__)\n'
    )
    done = subprocess.run([sys.executable, '-c', code], capture_output=True, text=True, check=True)
    assert done.stdout.split()[-1] == 'openvino.tools.ovc.telemetry_stub'
    assert not (tmp_path / 'intel').exists()


def test_onnxruntime_has_no_bfloat16_on_cpus(tiny):
    pytest.importorskip('onnxruntime')
    with pytest.raises(UserError, match='choose openvino or inductor'):
        compile_steps(tiny, 'onnxruntime', torch.bfloat16)
