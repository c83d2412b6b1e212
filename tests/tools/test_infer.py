"""`tools/infer.py` as a user types it: the table, the files, and what bad input gets."""

import csv
import io
import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from benchmarks.macs import exit_costs
from dynp_plugins.early_exit import ALWAYS, NEVER, ExitPolicy
from dynp_plugins.inference import DynamicInferencer
from tests.conftest import REPOSITORY
from tests.inference.tiny_models import (
    EXITS,
    NAME,
    exit_table,
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


@pytest.fixture
def folder(tmp_path):
    folder = tmp_path / 'pictures'
    save_pictures(folder, make_pictures(12))
    return folder


@pytest.fixture
def report(network, folder, tmp_path):
    """As `tools/budget_curve.py` leaves it; its thresholds were chosen on the pictures."""
    pixels = np.stack([np.array(Image.open(path)) for path in sorted(folder.iterdir())])
    images = (torch.from_numpy(pixels).permute(0, 3, 1, 2) - 127.5) / 64
    costs = [cost.macs / 1e9 for cost in exit_costs(network, (3, 64, 64))]
    table = exit_table(network, images, exit_gmacs=costs)
    table.save(tmp_path / f'report/tables/{NAME}_calibration.npz')
    return tmp_path / 'report'


def test_the_table(run, checkpoint, folder):
    expected = DynamicInferencer(CONFIG, checkpoint, device='cpu')(folder)
    out = answered(run('infer', CONFIG, checkpoint, folder))
    head, *lines = out.splitlines()
    assert head.split() == ['image', 'label', 'score', 'exit', 'MMACs']
    network = make_network(classes=10)
    mmacs = exit_costs(network, (3, 64, 64))[-1].macs / 1e6
    for line, answer in zip(lines[:12], expected, strict=True):
        name, label, score, percent, exit_name, cost = line.split()
        assert (name, label, percent) == (answer['source'], answer['pred_class'], '%')
        assert float(score) == pytest.approx(100 * answer['pred_score'], abs=0.0501)
        assert exit_name == 'merged'
        assert float(cost) == pytest.approx(mmacs, abs=0.1)
    assert len({line.rindex('merged') for line in lines[:12]}) == 1  # columns are aligned
    assert lines[12:14] == ['', '12 pictures']
    assert lines[14].startswith(f'mean cost {mmacs:.1f} MMACs')
    shares = 'early 0.0 %, latent 0.0 %, feature 0.0 %, merged 100.0 %'
    assert lines[15:] == [f'left at {shares}']


@pytest.mark.parametrize('unit', ['g', 'm'])
def test_a_budget(run, checkpoint, folder, report, unit):
    costs = [cost.macs / 1e9 for cost in exit_costs(make_network(classes=10), (3, 64, 64))]
    budget = (costs[0] + costs[1]) / 2
    typed = budget if unit == 'g' else 1e3 * budget
    inferencer = DynamicInferencer(CONFIG, checkpoint, report, budget, device='cpu')
    expected = inferencer(folder, batch_size=12)
    exits = [EXITS.index(answer['exit_name']) for answer in expected]
    assert len(set(exits)) > 1
    out = answered(
        run(
            *('infer', CONFIG, checkpoint, folder, '--policy', report),
            *(f'--budget-{unit}macs', typed, '--batch-size', 12),
            *('--json', 'answers.json', '--csv', 'answers.csv'),
        )
    )
    *_, mean, left = out.splitlines()
    assert f'the budget is {1e3 * budget:.1f}' in mean
    assert f'mean cost {1e3 * np.mean([costs[k] for k in exits]):.1f} MMACs' in mean
    assert f'early {100 * np.mean(np.array(exits) == 0):.1f} %' in left

    record = json.loads(Path('answers.json').read_text())
    assert record['budget_gmacs'] == pytest.approx(budget)
    assert record['thresholds'] == inferencer.policy.thresholds_by_exit
    assert record['summary']['images'] == record['summary']['answered'] == 12
    assert record['summary']['gmacs_mean'] == pytest.approx(np.mean([costs[k] for k in exits]))
    assert sum(record['summary']['exit_shares'].values()) == pytest.approx(1)
    rows = csv_rows('answers.csv')
    for row, entry, answer in zip(rows, record['images'], expected, strict=True):
        assert entry == {
            'image': answer['source'],
            'label': answer['pred_label'],
            'class': answer['pred_class'],
            'score': pytest.approx(answer['pred_score']),
            'confidence': pytest.approx(answer['confidence']),
            'exit': answer['exit_name'],
            'gmacs': pytest.approx(answer['gmacs']),
            'error': None,
        }
        assert row.keys() == entry.keys()
        assert {k: row[k] for k in ('image', 'label', 'class', 'exit', 'error')} == {
            k: '' if entry[k] is None else str(entry[k])
            for k in ('image', 'label', 'class', 'exit', 'error')
        }
        assert float(row['gmacs']) == entry['gmacs']


def test_costs_are_counted_where_the_policy_does_not_say_them(run, checkpoint, folder):
    ExitPolicy(EXITS, 'margin', (NEVER, 0.0, NEVER, ALWAYS)).save('policy.json')
    out = answered(run('infer', NAME, checkpoint, folder, '--policy', 'policy.json', '--json', '-'))
    record = json.loads(out)
    latent = exit_costs(make_network(classes=10), (3, 64, 64))[1].macs / 1e9
    assert [entry['gmacs'] for entry in record['images']] == [latent] * 12
    assert {entry['exit'] for entry in record['images']} == {'latent'}
    assert record['thresholds'] == {'early': None, 'latent': 0.0, 'feature': None}


def test_pictures_that_cannot_be_read_are_listed_and_the_rest_is_done(run, checkpoint, folder):
    (folder / '03.png').write_bytes(b'broken')
    (folder / '05.png').write_bytes((folder / '04.png').read_bytes()[:150])
    arguments = ('infer', CONFIG, checkpoint, folder, '--batch-size', 5)
    out = answered(run(*arguments, '--csv', 'a.csv'), status=1)
    lines = out.splitlines()
    assert lines[4].endswith('not a picture in a known format')
    assert 'truncated' in lines[6]
    assert all('merged' in line for line in (lines[1:4] + lines[5:6] + lines[7:13]))
    assert lines[14] == '12 pictures, 2 of them without an answer'
    mmacs = exit_costs(make_network(classes=10), (3, 64, 64))[-1].macs / 1e6
    assert lines[15] == f'mean cost {mmacs:.1f} MMACs per picture'  # of those that were answered
    rows = csv_rows('a.csv')
    assert [bool(row['error']) for row in rows] == [i in (3, 5) for i in range(12)]
    assert rows[3]['label'] == rows[3]['gmacs'] == ''


def test_not_one_picture_that_can_be_read(run, checkpoint, tmp_path):
    (tmp_path / 'a.png').write_bytes(b'broken')
    out = answered(run('infer', CONFIG, checkpoint, 'a.png'), status=1)
    assert '1 picture, 1 of them without an answer' in out
    assert 'mean cost' not in out
    out = answered(run('infer', CONFIG, checkpoint, 'a.png', '--json', '-'), status=1)
    summary = json.loads(out)['summary']
    assert summary == {'images': 1, 'answered': 0, 'gmacs_mean': None, 'exit_shares': None}


@pytest.mark.skipif(sys.platform in ('win32', 'darwin'), reason='names are Unicode there')
def test_names_that_are_no_text(run, checkpoint, tmp_path):
    """A terminal is not moved or coloured, and files stay UTF-8."""
    names = [b'\xff.png', b'x\x1b[31m\n.png', '\u732b.png'.encode(), b'a,"b.png']
    for name in names:
        path = os.path.join(os.fsencode(tmp_path / 'odd'), name)
        os.makedirs(os.path.dirname(path), exist_ok=True)
        with open(path, 'wb') as file:
            Image.fromarray(make_pictures(1)[0]).save(file, 'PNG')
    arguments = ('infer', CONFIG, checkpoint, 'odd', '--json', 'a.json', '--csv', 'a.csv')
    lines = answered(run(*arguments)).splitlines()
    for text in ('odd/\\xff.png', 'odd/x\\x1b[31m\\n.png', 'odd/\u732b.png'):
        assert any(line.startswith(text + ' ') for line in lines)
    images = [row['image'] for row in json.loads(Path('a.json').read_text())['images']]
    assert images == [row['image'] for row in csv_rows('a.csv')]
    assert 'odd/x\x1b[31m\n.png' in images


def test_class_names_of_a_checkpoint(run, network, folder):
    classes = tuple(f'kind {i}' for i in range(10))
    weights = save_checkpoint(network, 'named.pth', dataset_meta={'classes': classes})
    rows = csv.DictReader(io.StringIO(answered(run('infer', NAME, weights, folder, '--csv', '-'))))
    assert all(row['class'] == classes[int(row['label'])] for row in rows)


def test_files_are_not_replaced_unasked(run, checkpoint, folder, tmp_path):
    for kind in ('json', 'csv'):
        path = tmp_path / f'a.{kind}'
        path.write_text('mine')
        arguments = ('infer', CONFIG, checkpoint, folder, f'--{kind}', path)
        refused(run(*arguments), f'a.{kind} exists already', '--overwrite')
        assert path.read_text() == 'mine'
        answered(run(*arguments, '--overwrite'))
        assert path.read_text() != 'mine'


def test_nothing_is_half_written(run, checkpoint, folder, monkeypatch, tmp_path):
    """Also where the second batch fails in a way that nobody foresaw."""
    calls = []

    def fails(self, inputs, **options):
        calls.append(inputs)
        if len(calls) == 2:
            raise RuntimeError('unforeseen')
        return original(self, inputs, **options)

    original = DynamicInferencer.__call__
    monkeypatch.setattr(DynamicInferencer, '__call__', fails)
    (tmp_path / 'a.json').write_text('mine')
    before = sorted(tmp_path.iterdir())
    with pytest.raises(RuntimeError, match='unforeseen'):
        run(
            *('infer', CONFIG, checkpoint, folder, '--batch-size', 4, '--overwrite'),
            *('--json', 'a.json', '--csv', 'a.csv'),
        )
    assert len(calls) == 2
    assert (tmp_path / 'a.json').read_text() == 'mine'
    assert sorted(tmp_path.iterdir()) == before


@pytest.mark.skipif(sys.platform == 'win32', reason='signals')
def test_a_killed_run_leaves_no_answers(checkpoint, tmp_path):
    paths = save_pictures(tmp_path / 'many', make_pictures(200))
    command = [
        *(sys.executable, 'tools/infer.py', NAME, str(checkpoint), *paths),
        *('--json', str(tmp_path / 'a.json'), '--csv', str(tmp_path / 'a.csv')),
    ]
    environment = {**os.environ, 'PYTHONPATH': str(REPOSITORY)}
    with subprocess.Popen(
        command, cwd=REPOSITORY, env=environment, stderr=subprocess.PIPE, text=True
    ) as process:
        for line in process.stderr:
            if line.startswith('inference: 50 of 200'):
                process.send_signal(signal.SIGKILL)
                break
    assert process.returncode == -signal.SIGKILL
    assert not (tmp_path / 'a.json').exists()
    assert not (tmp_path / 'a.csv').exists()


def test_stdout_is_for_the_answers_alone(checkpoint, folder):
    """In a process of its own, because packages print when they are imported."""
    command = [
        sys.executable,
        'tools/infer.py',
        CONFIG,
        str(checkpoint),
        str(folder),
        '--json',
        '-',
    ]
    environment = {**os.environ, 'PYTHONPATH': str(REPOSITORY)}
    answer = subprocess.run(
        command, capture_output=True, text=True, check=True, cwd=REPOSITORY, env=environment
    )
    assert len(json.loads(answer.stdout)['images']) == 12


def test_a_path_that_is_not_there(run, checkpoint, folder):
    alone = run('infer', CONFIG, checkpoint, 'nowhere.jpg')
    refused(alone, 'there is no picture or folder nowhere.jpg')
    status, out, _ = run('infer', CONFIG, checkpoint, 'nowhere.jpg', folder)
    assert status == 1  # reported in its place, and the rest is done
    assert 'nowhere.jpg' in out
    assert '1 of them without an answer' in out


@pytest.mark.parametrize(
    ('arguments', 'message'),
    [
        (('--budget-mmacs', 9), 'nothing to choose thresholds from'),
        (('--policy', 'nowhere', '--budget-mmacs', 9), 'report folder nowhere'),
        (('--json', 'a.txt'), 'name a .json file'),
        (('--csv', '-', '--json', '-'), 'would mix on stdout'),
        (('--batch-size', 0), '--batch-size 0'),
        (('--device', 'gpu'), 'device gpu'),
        (('--set', 'num_classes=3'), '--set is for names'),
    ],
    ids=str,
)
def test_bad_options(run, checkpoint, folder, arguments, message):
    refused(run('infer', CONFIG, checkpoint, folder, *arguments), message)


def test_options_of_configs_and_names(run, checkpoint, folder):
    refused(run('infer', NAME, checkpoint, folder, '--cfg-options', 'a=1'), '--cfg-options is for')
    refused(
        run('infer', NAME, checkpoint, folder, '--set', 'num_classes=3'),
        'num_classes=10',
        'num_classes=3',
    )


def test_a_budget_out_of_range_names_the_range(run, checkpoint, folder, report):
    costs = [cost.macs / 1e9 for cost in exit_costs(make_network(classes=10), (3, 64, 64))]
    arguments = ('infer', CONFIG, checkpoint, folder, '--policy', report, '--budget-mmacs')
    for budget in (1e3 * costs[0] - 0.1, 1e3 * costs[-1] + 0.1):
        refused(run(*arguments, budget), f'{costs[0]:g} GMACs', f'{costs[-1]:g}')
