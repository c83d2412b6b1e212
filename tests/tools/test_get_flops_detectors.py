"""`tools/get_flops.py` on detectors, as a user types it."""

import io
import json

import pandas as pd
import pytest
import torch
from mmengine.config import Config

from benchmarks.detection.part_costs import detector_costs
from dynp_plugins.openmmlab.detectors import build_detector
from tests.benchmarks.detection.tiny_data import tiny_config, write_images
from tests.tools.command_lines import CONFIG, answered, refused

NUMBERS = ('macs', 'flops', 'other_ops', 'macs_and_other_ops', 'parameters')


@pytest.fixture(scope='module')
def folder(tmp_path_factory):
    path = tmp_path_factory.mktemp('things') / 'data'
    write_images(path)
    return path


@pytest.fixture(scope='module')
def retinanet(folder):
    return tiny_config(folder, 'RetinaNet')


def test_table_of_one_size(run, retinanet):
    out = answered(run('get_flops', retinanet, '--shape', 64, 96, '--depth', 1))
    title, _, _, header, *rows = out.splitlines()
    assert title.startswith(f'{retinanet}, one image of 3 x 64 x 96 (channels x height x width), ')
    assert header.split('  ')[0] == 'part'
    for column in ('MMACs', 'MMACs with norm', 'MFLOPs (2 MACs)', 'M parameters'):
        assert column in header
    costs = detector_costs(build_detector(Config.fromfile(retinanet)), (64, 96))
    shown = [*((part.part, part.cost) for part in costs.parts), ('total', costs.total)]
    for row, (name, cost) in zip(rows, shown, strict=False):
        part, macs, with_norm, flops, _ = row.split()
        assert part == name
        for text, count in ((macs, cost.macs), (with_norm, cost.with_norm), (flops, 2 * cost.macs)):
            assert float(text) == pytest.approx(count / 1e6, rel=5e-3)
    assert 'batch_norm (other ops)' in out
    assert '  bbox_head' in out
    assert 'as detection papers count' in out
    assert 'proposals' not in out


def test_the_height_comes_first(run, retinanet):
    lying, upright = (
        json.loads(answered(run('get_flops', retinanet, '--shape', *size, '--json', '-')))
        for size in ((32, 128), (128, 32))
    )
    assert lying['input_shape'] == [3, 32, 128]
    assert upright['input_shape'] == [3, 128, 32]
    assert 'HEIGHT WIDTH' in run('get_flops', '--help')[1]


def test_files_of_one_size(run, retinanet, tmp_path):
    arguments = ('get_flops', retinanet, '--shape', 64, '--json', 'c.json', '--csv', '-')
    out = answered(run(*arguments, '--depth', 1))
    record = json.loads((tmp_path / 'c.json').read_text())
    assert record['network'] == str(retinanet)
    assert (record['checkpoint'], record['proposals']) == (None, None)
    assert [part['name'] for part in record['parts']] == ['backbone', 'neck', 'head', 'total']
    *parts, total = record['parts']
    for key in NUMBERS:
        assert total[key] == sum(part[key] for part in parts)
    for part in parts:
        assert part['flops'] == 2 * part['macs']
        assert sum(part['by_operator'].values()) == part['macs'] + part['other_ops']
    assert total['parameters'] == record['parameters']
    modules = {module['name']: module for module in record['modules']}
    assert set(modules) == {'', 'backbone', 'neck', 'bbox_head'}
    assert modules['bbox_head']['macs'] == parts[2]['macs']
    frame = pd.read_csv(io.StringIO(out))
    assert frame['part'].tolist() == ['backbone', 'neck', 'head', 'total']
    assert set(frame['input_shape']) == {'3x64x64'}
    for key in NUMBERS:
        assert frame[key].tolist() == [part[key] for part in record['parts']]


def test_all_images_of_a_split(run, retinanet, tmp_path):
    out = answered(run('get_flops', retinanet, '--split', 'test', '--json', 'c.json'))
    record = json.loads((tmp_path / 'c.json').read_text())
    assert (record['split'], record['images']) == ('test', 4)
    assert record['sizes'] == [
        {'height': 64, 'width': 64, 'images': 1},
        {'height': 64, 'width': 96, 'images': 2},
        {'height': 96, 'width': 64, 'images': 1},
    ]
    assert '4 images of the test split' in out
    assert '3 sizes from 64 x 64 to 96 x 64 (height x width)' in out
    total = record['parts'][3]
    assert total['macs_min'] < total['macs_mean'] < total['macs_max']
    assert total['flops_std'] == 2 * total['macs_std'] > 0
    row = next(line for line in out.splitlines() if line.startswith('total'))
    shown = [float(word) for word in row.split()[1:5]]
    expected = [total[f'macs_{key}'] / 1e6 for key in ('mean', 'std', 'min', 'max')]
    assert shown == pytest.approx(expected, rel=5e-3)
    frame = pd.read_csv(
        io.StringIO(answered(run('get_flops', retinanet, '--split', 'test', '--csv', '-')))
    )
    assert frame['macs_mean'].tolist() == [part['macs_mean'] for part in record['parts']]
    assert set(frame['images']) == {4}


def test_proposals_depend_on_the_weights(run, folder, tmp_path):
    path = tiny_config(folder, 'FasterRCNN')
    size = ('get_flops', path, '--shape', 64)
    out = answered(run(*size))
    assert 'proposals of a black image: they follow from random weights' in out
    assert out == answered(run(*size))  # the same ones in every run
    detector = build_detector(Config.fromfile(path))
    torch.nn.init.constant_(detector.rpn_head.rpn_reg.bias, 2.0)
    torch.save({'state_dict': detector.state_dict()}, 'trained.pth')
    out = answered(run('get_flops', path, '--split', 'test', '--checkpoint', 'trained.pth'))
    assert 'proposals on average' in out
    assert 'with the weights of trained.pth' in out
    refused(run(*size, '--checkpoint', 'missing.pth'), 'missing.pth')


def test_sizes_that_differ_need_a_choice(run, retinanet):
    answer = run('get_flops', retinanet)
    refused(answer, 'in 3 sizes', '--shape HEIGHT WIDTH', '--split test')


def test_options_that_do_not_fit(run, retinanet, tmp_path):
    detector = ('get_flops', retinanet)
    refused(run(*detector, '--shape', 64, '--split', 'test'), '--shape is one size, --split')
    refused(run(*detector, '--split', 'test', '--depth', 1), '--depth shows the modules for one')
    refused(run(*detector, '--split', 'val'), 'has no val_dataloader')
    refused(run(*detector, '--shape', 8, 3, 64, 64), '8 3 64 64: a detector takes images')
    refused(run('get_flops', CONFIG, '--split', 'test'), '--split is for configs of detectors')
    refused(
        run('get_flops', 'static:torchvision/resnet18', '--checkpoint', 'a.pth'),
        '--checkpoint is for configs of detectors, static:torchvision/resnet18 is none',
    )
    assert list(tmp_path.iterdir()) == []
