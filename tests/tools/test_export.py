"""`tools/export.py` as a user types it, and `tools/infer.py` on what it wrote."""

import json
from pathlib import Path

import pytest

from benchmarks.macs import exit_costs
from dynp_plugins.early_exit import ALWAYS, ExitPolicy
from dynp_plugins.inference import DynamicInferencer
from tests.inference.exported.small_exports import PICTURES_OF_BOTH, small_export
from tests.inference.tiny_models import (
    EXITS,
    NAME,
    make_network,
    make_pictures,
    save_checkpoint,
    save_pictures,
)
from tests.tools.command_lines import CONFIG, answered, csv_rows, refused


@pytest.fixture(scope='module')
def network():
    return make_network(classes=10)


@pytest.fixture
def checkpoint(network, tmp_path):
    return save_checkpoint(network, tmp_path / 'tiny.pth')


@pytest.mark.slow
def test_a_config(run, network, checkpoint, tmp_path):
    policy = ExitPolicy(EXITS, 'max_softmax', (0.6, 0.7, 0.8, ALWAYS))
    policy.save('policy.json')
    paths = save_pictures(tmp_path / 'pictures', make_pictures(10))
    out = answered(
        run(
            *('export', CONFIG, checkpoint, '--backend', 'torch_export', '--out', 'out'),
            *('--policy', 'policy.json', '--batch-sizes', 1, 4),
        )
    )
    *differences, wrote = out.splitlines()
    assert [line.partition(':')[0] for line in differences] == list(EXITS)
    assert wrote.startswith('wrote out (')
    manifest = json.loads(Path('out/manifest.json').read_text())
    costs = [cost.macs / 1e9 for cost in exit_costs(network, (3, 64, 64))]
    assert manifest['exit_gmacs'] == dict(zip(EXITS, costs, strict=True))
    assert manifest['source']['network'] == CONFIG
    assert len(manifest['source']['config_sha256']) == 64
    assert manifest['steps']['batch_sizes'] == [1, 4]

    expected = DynamicInferencer(CONFIG, checkpoint, policy, device='cpu')(paths)
    assert len({answer['exit_name'] for answer in expected}) > 1
    answered(run('infer', 'out', *paths, '--csv', 'answers.csv', '--json', 'answers.json'))
    for row, answer in zip(csv_rows('answers.csv'), expected, strict=True):
        assert (row['image'], row['exit']) == (answer['source'], answer['exit_name'])
        assert int(row['label']) == answer['pred_label']
        assert float(row['gmacs']) == costs[EXITS.index(answer['exit_name'])]
    assert json.loads(Path('answers.json').read_text())['checkpoint'] is None
    out = run('export', CONFIG, checkpoint, '--backend', 'onnx', '--out', 'out')
    refused(out, 'out holds an export already; give --overwrite to replace it')


@pytest.mark.slow
def test_a_name(run, checkpoint):
    out = answered(
        run(
            *('export', NAME, checkpoint, '--backend', 'torch_export', '--out', 'out'),
            *('--dtype', 'bfloat16', '--batch-sizes', 2, '--no-preprocessing'),
        )
    )
    assert out.count('differs by at most') == 4
    manifest = json.loads(Path('out/manifest.json').read_text())
    assert manifest['preprocessing'] is manifest['source']['config_sha256'] is None
    assert manifest['steps']['dtype'] == 'bfloat16'
    assert manifest['input_shape'] == [3, 64, 64]


def test_infer_takes_an_export_without_a_checkpoint(run, tmp_path):
    small_export(tmp_path / 'out')
    paths = save_pictures(tmp_path / 'pictures', PICTURES_OF_BOTH)
    expected = DynamicInferencer('out')(paths)
    out = answered(run('infer', 'out', *paths))
    for line, answer in zip(out.splitlines()[1:13], expected, strict=True):
        assert line.split()[:2] == [answer['source'], answer['pred_class']]
        assert line.split()[4:] == ['late', '0.300']
    assert out == answered(run('infer', 'out', tmp_path / 'pictures'))
    refused(run('infer', 'out', paths[0], '--set', 'num_classes=3'), 'export again with that')
    status, _, error = run('infer', 'out')
    assert (status, 'the following arguments are required' in error) == (2, True)


def test_infer_takes_the_name_of_a_network_for_one(run, tmp_path):
    small_export(tmp_path / NAME)
    paths = save_pictures(tmp_path / 'pictures', PICTURES_OF_BOTH)
    refused(run('infer', NAME, 'missing.pth', paths[0]), 'missing.pth')
    assert answered(run('infer', f'./{NAME}', *paths)) == answered(
        run('infer', NAME, tmp_path / 'pictures')
    )


def test_infer_still_needs_a_picture_besides_the_checkpoint(run, checkpoint):
    status, _, error = run('infer', CONFIG, checkpoint)
    assert status == 2
    assert 'the following arguments are required: IMAGE|VIDEO|DIR' in error


def test_steps_that_cannot_be_written_down(run, checkpoint):
    padded = 'test_dataloader.dataset.pipeline.1.auto_pad=True'
    answer = run(
        *('export', CONFIG, checkpoint, '--backend', 'onnx', '--out', 'out'),
        *('--cfg-options', padded),
    )
    refused(answer, 'step 1 of the test pipeline, CenterCrop, has auto_pad=True', '--no-pre')
    assert not Path('out').exists()


def test_options_that_do_not_fit(run, checkpoint):
    head = ('export', CONFIG, checkpoint, '--backend', 'onnx', '--out', 'out')
    refused(run(*head, '--set', 'num_classes=3'), '--set is for names')
    named = ('export', NAME, checkpoint, '--backend', 'onnx', '--out', 'out')
    refused(run(*named, '--cfg-options', 'a=1'), '--cfg-options is for configs')
    refused(run(*head, '--budget-gmacs', 0.01), 'there is nothing to choose thresholds from')
    refused(run(*head, '--dtype', 'bfloat16'), "dtype='bfloat16': for onnx choose one of float32")
