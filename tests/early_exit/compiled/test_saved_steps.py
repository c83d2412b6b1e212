"""Steps that were saved and loaded give what the network gives, and hold their weights once."""

import importlib.util
import json
from dataclasses import asdict

import pytest
import torch
from torch.export import ExportedProgram

from dynp_plugins import UserError, create_model
from dynp_plugins.early_exit.compiled.saved_steps import StepsRecord, load_steps, save_steps
from dynp_plugins.early_exit.compiled.step_export import without_unused_weights
from dynp_plugins.early_exit.compiled.step_formats import FORMATS
from dynp_plugins.early_exit.compiled.step_graph import example_steps
from dynp_plugins.typed_json import parse

from .small_network import small_network
from .test_compiled_steps import FAMILIES, TOLERANCE, largest_difference

CPU = torch.device('cpu')


def optional(backend):
    package = {'openvino': 'openvino', 'onnx': 'onnxruntime'}.get(backend)
    missing = package is not None and importlib.util.find_spec(package) is None
    return pytest.param(
        backend, marks=pytest.mark.skipif(missing, reason=f'{package} is not installed')
    )


EVERY_FORMAT = [optional(backend) for backend in FORMATS]


def through_json(record):
    return parse(StepsRecord, json.loads(json.dumps(asdict(record))), 'steps')


def saved_and_loaded(network, folder, backend, **settings):
    record = through_json(save_steps(network, folder, backend, **settings))
    return record, load_steps(record, folder, CPU, threads=1)


@torch.no_grad()
def check_equal(network, steps, images, tolerance=TOLERANCE):
    expected = network(images)
    assert largest_difference(steps(images), expected) < tolerance
    state, logits = steps.start(images), []
    for k in range(len(steps.exit_names)):
        state, new = steps.step(k, state, logits)
        logits.append(new)
    assert state == {}
    assert largest_difference(logits, expected) < tolerance


@pytest.mark.parametrize('count', [1, 2, 7])
def test_a_file_for_each_step_runs_batches_of_any_size(tmp_path, count):
    network = small_network()
    record, steps = saved_and_loaded(network, tmp_path, 'torch_export', batch_sizes=(1, 4))
    assert (steps.exit_names, steps.batch_sizes, steps.image_size) == (
        ('early', 'late'),
        (1, 4),
        (8, 8),
    )
    assert sorted(path.name for path in tmp_path.iterdir()) == ['step0_early.pt2', 'step1_late.pt2']
    late = record.steps[1]
    assert [(value.name, value.shape) for value in late.inputs] == [
        ('map', [4, 6, 6]),
        ('logits of early', [3]),
    ]
    assert [(value.name, value.shape) for value in late.outputs] == [('logits of late', [3])]
    check_equal(network, steps, torch.randn(count, 3, 8, 8))


def test_a_network_of_fixed_batches_gets_a_file_for_each_size(tmp_path, caplog):
    network = small_network(fixed=True)
    record, steps = saved_and_loaded(network, tmp_path, 'torch_export', batch_sizes=(1, 3))
    (warning,) = (entry.message for entry in caplog.records if entry.levelname == 'WARNING')
    assert 'step step0_early cannot be exported for batches of any size' in warning
    assert 'specialized it to be a constant (2)' in warning  # as torch says it
    assert record.steps[0].file is None
    assert record.steps[0].files_by_size == {
        '1': 'step0_early_batch1.pt2',
        '3': 'step0_early_batch3.pt2',
    }
    assert record.steps[1].file == 'step1_late.pt2'
    check_equal(network, steps, torch.randn(5, 3, 8, 8))


def test_a_step_holds_its_own_weights_alone():
    network = small_network()
    early, late = example_steps(network, torch.zeros(2, 3, 8, 8), torch.float32)
    names = [set(without_unused_weights(step).graph.state_dict()) for step in (early, late)]
    assert names == [
        {
            *('network.backbone.first.weight', 'network.backbone.offset'),
            *('network.heads.layers.0.weight', 'network.heads.layers.0.bias'),
        },
        {
            *('network.backbone.second.weight', 'network.backbone.second.bias'),
            *('network.heads.layers.1.weight', 'network.heads.layers.1.bias'),
        },
    ]
    assert set(early.graph.state_dict()) == names[0] | names[1]  # itself left as it was
    slim = without_unused_weights(late).graph
    assert slim.network.backbone.second.weight is network.backbone.second.weight


def test_steps_of_torch_run_on_another_device(tmp_path):
    record = save_steps(small_network(), tmp_path, 'torch_export', batch_sizes=(1, 4))
    steps = load_steps(record, tmp_path, torch.device('meta'))
    logits = steps(torch.empty(5, 3, 8, 8, device='meta'))
    assert [(value.device.type, value.shape) for value in logits] == [('meta', (5, 3))] * 2


def test_versions_of_torch_without_guards(tmp_path, monkeypatch):
    network, guarded = small_network(), ExportedProgram.module
    monkeypatch.setattr(ExportedProgram, 'module', lambda self: guarded(self, check_guards=False))
    _, steps = saved_and_loaded(network, tmp_path, 'torch_export', batch_sizes=(1, 4))
    check_equal(network, steps, torch.randn(5, 3, 8, 8))


@pytest.mark.slow
@pytest.mark.parametrize('backend', EVERY_FORMAT)
def test_every_format(tiny, tmp_path, backend):
    _, steps = saved_and_loaded(tiny, tmp_path, backend, batch_sizes=(1, 4))
    check_equal(tiny, steps, torch.randn(7, 3, 64, 64))
    weights = sum(value.nbytes for value in tiny.state_dict().values())
    on_disk = sum(path.stat().st_size for path in tmp_path.iterdir())
    assert on_disk < 2 * weights  # the tiny network has 2 MB of them, and its graphs some more


@pytest.mark.slow
@pytest.mark.parametrize('backend', EVERY_FORMAT)
def test_clips(tmp_path, backend):
    torch.manual_seed(0)
    network = create_model('dyn_perceiver_regnety_tiny', num_classes=5, num_segments=4).eval()
    record, steps = saved_and_loaded(network, tmp_path, backend, batch_sizes=(1, 2))
    assert (steps.batch_sizes, steps.num_segments) == ((4, 8), 4)
    assert all(step.file for step in record.steps)
    check_equal(network, steps, torch.randn(12, 3, 64, 64))


@pytest.mark.slow
@pytest.mark.parametrize('name', FAMILIES)
def test_every_family_takes_batches_of_any_size(name, tmp_path):
    torch.manual_seed(0)
    settings = dict(FAMILIES[name])
    size = settings.pop('image_size', None)
    network = create_model(name, num_classes=5, **settings).eval()
    side = size or network.backbone.image_size
    record, steps = saved_and_loaded(
        network, tmp_path, 'torch_export', batch_sizes=(1, 2), image_size=size
    )
    assert all(step.file for step in record.steps)
    check_equal(network, steps, torch.randn(3, 3, side, side))


@pytest.mark.slow
@pytest.mark.parametrize('backend', [optional('openvino'), optional('torch_export')])
def test_bfloat16_is_near_and_answers_in_float32(tiny, tmp_path, backend):
    images = torch.randn(3, 3, 64, 64)
    _, steps = saved_and_loaded(tiny, tmp_path, backend, dtype='bfloat16', batch_sizes=(4,))
    with torch.no_grad():
        difference = largest_difference(steps(images), tiny(images))
    assert {value.dtype for value in steps(images)} == {torch.float32}
    assert 0 < difference < 0.1


@pytest.mark.parametrize(
    ('settings', 'message'),
    [
        (dict(backend='eager'), "backend='eager': steps are saved for one of openvino, onnx"),
        (
            dict(backend='onnx', dtype='bfloat16'),
            "dtype='bfloat16': for onnx choose one of float32",
        ),
        (dict(backend='onnx', dtype='int8'), "dtype='int8'"),
        (dict(backend='onnx', batch_sizes=(0,)), 'give whole numbers of at least 1'),
    ],
)
def test_settings_that_cannot_be(tmp_path, settings, message):
    with pytest.raises(UserError, match=message):
        save_steps(small_network(), tmp_path, **settings)


def test_what_cannot_be_loaded_is_named(tmp_path):
    record, _ = saved_and_loaded(small_network(), tmp_path, 'torch_export', batch_sizes=(1,))
    (tmp_path / 'step1_late.pt2').write_bytes(b'nothing')
    with pytest.raises(UserError, match=r'step1_late\.pt2 cannot be loaded: '):
        load_steps(record, tmp_path, CPU)
    elsewhere = StepsRecord(**{**vars(record), 'backend': 'onnx'})
    with pytest.raises(UserError, match="run on CPUs, not on meta: give device='cpu'"):
        load_steps(elsewhere, tmp_path, torch.device('meta'))
