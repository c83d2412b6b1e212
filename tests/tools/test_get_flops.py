"""`tools/get_flops.py` as a user types it: tables, files, and what bad input gets."""

import io
import json
import os
import subprocess
import sys

import pandas as pd
import pytest

from benchmarks.macs import exit_costs
from dynp_plugins import create_model
from tests.conftest import REPOSITORY
from tests.tools.command_lines import CONFIG, answered, refused

TINY = ('get_flops', 'dyn_perceiver_regnety_tiny')
EXITS = ['early', 'latent', 'feature', 'merged']
QUANTITIES = ('macs', 'flops', 'other_ops', 'macs_and_other_ops', 'parameters', 'activations')


def test_table_of_a_name(run):
    out = answered(run(*TINY, '--shape', 64, '--set', 'num_classes=10', 'num_latents=24'))
    lines = out.splitlines()
    assert lines[0].startswith('dyn_perceiver_regnety_tiny num_classes=10 num_latents=24, one ')
    assert 'one image of 3 x 64 x 64, ' in lines[0]
    header = lines[3]
    for column in (
        'MMACs',
        'MMACs that run',
        'MFLOPs (2 MACs)',
        'other ops',
        'M parameters',
        'M activations',
    ):
        assert column in header
    network = create_model('dyn_perceiver_regnety_tiny', num_classes=10, num_latents=24)
    costs, run_costs = (exit_costs(network, (3, 64, 64), shortcuts) for shortcuts in (False, True))
    for line, cost, run_cost in zip(lines[4:8], costs, run_costs, strict=True):
        name, mmacs, mmacs_run, mflops, *_ = line.split()
        assert name == cost.name
        assert float(mmacs_run) == pytest.approx(run_cost.macs / 1e6, abs=1e-3)
        assert run_cost.macs < cost.macs
        assert float(mmacs) == pytest.approx(cost.macs / 1e6, abs=1e-3)
        assert float(mflops) == pytest.approx(2 * cost.macs / 1e6, abs=1e-3)
    assert '\x1b' not in out  # no colours in a file
    assert 'attention (MACs)' in out
    assert 'batch_norm (other ops)' in out


def test_json_of_a_config(run):
    record = json.loads(answered(run('get_flops', CONFIG, '--json', '-')))
    assert record['network'] == CONFIG
    assert record['input_shape'] == [3, 64, 64]  # the pictures' own size
    assert {'torch', 'fvcore'} <= set(record['versions'])
    assert [exit['name'] for exit in record['exits']] == EXITS
    network = create_model('dyn_perceiver_regnety_tiny', num_classes=10, num_latents=16)
    for exit, cost in zip(record['exits'], exit_costs(network, (3, 64, 64)), strict=True):
        assert exit['flops'] == 2 * exit['macs']
        assert exit['macs_and_other_ops'] == exit['macs'] + exit['other_ops']
        assert exit['macs_and_other_ops'] == sum(exit['by_operator'].values())
        assert sorted(exit['by_operator']) == sorted(cost.by_operator)
    for key in QUANTITIES:
        total = 0
        for exit in record['exits']:
            total += exit[f'{key}_incremental']
            assert isinstance(exit[key], int)
            assert exit[key] == total
    assert record['exits'][-1]['parameters'] == record['parameters']
    assert 'modules' not in record


def test_stdout_is_for_the_numbers_alone():
    """In a process of its own, because packages print when they are imported."""
    command = [sys.executable, 'tools/get_flops.py', TINY[1], '--shape', '32', '--json', '-']
    environment = {**os.environ, 'PYTHONPATH': str(REPOSITORY)}
    answer = subprocess.run(
        command,
        capture_output=True,
        text=True,
        check=True,
        cwd=REPOSITORY,
        env=environment,
    )
    assert json.loads(answer.stdout)['network'] == TINY[1]


def test_options_of_a_config(run):
    widths = ('--cfg-options', 'model.head.num_classes=7', '--shape', 32, 48, '--json', '-')
    record = json.loads(answered(run('get_flops', CONFIG, *widths)))
    assert record['settings'] == {'model.head.num_classes': 7}
    assert record['input_shape'] == [3, 32, 48]


def test_csv_holds_what_json_holds(run, tmp_path):
    out = answered(run(*TINY, '--shape', 32, '--csv', '-', '--json', 'deep/costs.json'))
    record = json.loads((tmp_path / 'deep/costs.json').read_text())
    frame = pd.read_csv(io.StringIO(out))
    assert frame['exit'].tolist() == EXITS
    assert set(frame['network']) == {'dyn_perceiver_regnety_tiny'}
    assert set(frame['input_shape']) == {'3x32x32'}
    assert f'torch=={record["versions"]["torch"]}' in frame['versions'][0]
    for key in QUANTITIES:
        for column in (key, f'{key}_incremental'):
            assert frame[column].tolist() == [exit[column] for exit in record['exits']]
            assert frame[column].dtype == int


def test_modules(run, tmp_path):
    arguments = (*TINY, '--shape', 32, '--json', 'costs.json')
    out = answered(run(*arguments, '--depth', 2))
    record = json.loads((tmp_path / 'costs.json').read_text())
    modules = {module['name']: module for module in record['modules']}
    assert {'', 'backbone', 'backbone.feature_branch', 'heads.classifiers'} <= set(modules)
    assert max(module['depth'] for module in record['modules']) == 2
    for key in ('macs', 'parameters'):
        for k, exit in enumerate(record['exits']):
            assert modules['']['exits'][k][key] == exit[key]
            parts = [modules[name]['exits'][k][key] for name in ('backbone', 'heads')]
            assert sum(parts) == exit[key]
    rows = [line for line in out.splitlines() if line.lstrip().startswith('last_z2x')]
    assert len(rows) == 2  # multiply-adds and parameters
    for row in rows:
        assert row.startswith('    last_z2x')
        cells = row.split()
        assert cells[1:4] == ['-'] * 3  # nothing before the last exit
        assert cells[4] == cells[5] != '-'
    assert 'last_z2x' not in answered(run(*arguments, '--depth', 1))


def test_a_static_network(run):
    record = json.loads(answered(run('get_flops', 'static:torchvision/resnet18', '--json', '-')))
    (exit,) = record['exits']
    assert record['input_shape'] == [3, 224, 224]
    assert exit['parameters'] == record['parameters'] == 11_689_512  # torchvision's own figure
    assert exit['macs'] == 1_814_073_344


def test_a_name_is_counted_at_the_size_it_was_designed_for(run):
    record = json.loads(answered(run('get_flops', 'msdnet_cifar_step2_b7', '--json', '-')))
    assert record['input_shape'] == [3, 32, 32]
    name = ('get_flops', 'static:timm/test_vit', '--set', 'img_size=48')
    record = json.loads(answered(run(*name, '--json', '-')))
    assert record['input_shape'] == [3, 48, 48]


def test_networks_that_do_not_exist(run):
    answer = run('get_flops', 'dyn_perceiver_regnety_tinny')
    refused(answer, "unknown model 'dyn_perceiver_regnety_tinny'", 'dyn_perceiver_regnety_tiny, ')
    assert answer[2].count('dyn_perceiver_') == 4  # three closest names
    refused(run('get_flops', 'missing.py'), 'no config file missing.py')
    refused(run(*TINY, '--set', 'latents=3'), "no setting 'latents'")
    refused(run(*TINY, '--set', 'checkpoint=x.pth'), '--set checkpoint=x.pth: this is no setting')


def test_words_for_switches(run):
    """``false`` is no text that counts as true."""
    with_z2x, without = (
        json.loads(answered(run(*TINY, '--json', '-', '--set', f'with_z2x={word}')))
        for word in ('True', 'false')
    )
    assert without['exits'][-1]['macs'] < with_z2x['exits'][-1]['macs']
    refused(run(*TINY, '--set', 'with_z2x=off'), "with_z2x='off': give True or False")
    refused(run('get_flops', 'msdnet', '--set', 'lazy=1'), 'lazy=1: give True or False')


def test_overrides_of_a_config_that_do_not_fit(run):
    msdnet = CONFIG.replace('dyn-perceiver_regnety-tiny', 'msdnet-tiny')
    override = ('get_flops', msdnet, '--cfg-options')
    refused(run(*override, 'model.backbone.channels=32'), 'backbone offers exit_channels=')
    refused(run(*override, 'model.backbone.chanels=32'), "no setting 'chanels'; valid are stem, ")
    refused(run(*override, 'model.backbone.type=MSDNett'), 'closest of our names: MSDNet')


def test_options_that_do_not_fit(run, tmp_path):
    refused(run(*TINY, '--cfg-options', 'a=1'), '--cfg-options is for configs')
    refused(run('get_flops', CONFIG, '--set', 'num_classes=3'), '--set is for names')
    refused(run(*TINY, '--shape', 'huge'), '--shape huge: give SIDE')
    refused(run(*TINY, '--shape', 64, 64, 3), 'images have 3 channels')
    refused(run(*TINY, '--depth', -1), '--depth -1')
    refused(run(*TINY, '--json', 'costs.py'), '--json costs.py: name a .json file')
    refused(run(*TINY, '--json', '-', '--csv', '-'), 'would mix on stdout')
    assert list(tmp_path.iterdir()) == []


def test_sizes_that_cannot_run(run):
    cifar = ('get_flops', 'msdnet_cifar_step2_b7')
    refused(run(*cifar, '--shape', 224), 'cannot take images of 224x224', 'at most 48x48')
    memory = 'dyn_perceiver_regnety_tiny cannot run on an input of 3 x 9999999 x 9999999'
    refused(run(*TINY, '--shape', 9_999_999), memory)


def test_a_config_without_exits(run, tmp_path):
    path = tmp_path / 'plain.py'
    backbone = "dict(_delete_=True, type='mmpretrain.ResNet', depth=18)"
    path.write_text(f'_base_ = {CONFIG!r}\nmodel = dict(backbone={backbone})\n')
    refused(run('get_flops', path), 'has a ResNet without exits')
