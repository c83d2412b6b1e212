"""The shell scripts that start several processes: what they start, and how a real run ends."""

import json
import os
import subprocess
import sys

import pytest
import torch

from tests.conftest import REPOSITORY
from tests.openmmlab.recorded_losses import read_losses
from tests.tools.command_lines import CONFIG

STEPS = 3
"""Per epoch."""
RECORDED = f"""
_base_ = {CONFIG!r}
custom_imports = dict(
    imports=['dynp_plugins.openmmlab', 'tests.openmmlab.recorded_losses'],
    allow_failed_imports=False)
train_dataloader = dict(batch_size=4, num_batch_per_epoch={STEPS})
test_dataloader = dict(dataset=dict(indices=101))
train_cfg = dict(max_epochs=3)
custom_hooks = [*_base_.custom_hooks, dict(type='WriteLosses')]
log_level = 'ERROR'
"""


def script(name, *arguments, **environment):
    """Run a script of ``tools`` from the repository's folder."""
    settings = dict(PYTHON=sys.executable, PYTHONPATH=str(REPOSITORY), CUDA_VISIBLE_DEVICES='-1')
    settings |= dict(OMP_NUM_THREADS='1', **environment)
    return subprocess.run(
        ['bash', f'tools/{name}.sh', *map(str, arguments)],
        cwd=REPOSITORY,
        env=os.environ | settings,
        capture_output=True,
        text=True,
        timeout=600,
    )


@pytest.fixture
def shown(tmp_path):
    """Stands in for Python and srun: shows its arguments, one a line."""
    program = tmp_path / 'srun'
    program.write_text('#!/bin/sh\nprintf "%s\\n" "$@"\n')
    program.chmod(0o755)
    return program


def test_dist_train_and_dist_test_start_the_tools(shown):
    launched = ['-m', 'dynp_plugins.launching', '2']
    answer = script('dist_train', 'my config.py', 2, '--work-dir', 'a b', PYTHON=str(shown))
    expected = [*launched, 'tools/train.py', 'my config.py', '--launcher', 'pytorch']
    assert answer.stdout.splitlines() == [*expected, '--work-dir', 'a b']
    answer = script('dist_test', 'config.py', 'x.pth', 2, '--out', 'm.json', PYTHON=str(shown))
    expected = [*launched, 'tools/test.py', 'config.py', 'x.pth', '--launcher', 'pytorch']
    assert answer.stdout.splitlines() == [*expected, '--out', 'm.json']


@pytest.mark.parametrize(
    ('given', 'expected'),
    [
        ({}, ['--ntasks=8', '--ntasks-per-node=8', '--gres=gpu:8', '--cpus-per-task=5']),
        (
            dict(GPUS='4', CPUS_PER_TASK='9'),
            ['--ntasks=4', '--ntasks-per-node=4', '--gres=gpu:4', '--cpus-per-task=9'],
        ),
        (
            dict(GPUS='16', GPUS_PER_NODE='4', SRUN_ARGS='--time=1:00 --exclusive'),
            ['--ntasks=16', '--ntasks-per-node=4', '--gres=gpu:4', '--time=1:00', '--exclusive'],
        ),
    ],
    ids=['default', 'one node', 'four nodes'],
)
def test_slurm_train_asks_for_one_task_per_gpu(shown, given, expected):
    path = f'{shown.parent}:{os.environ["PATH"]}'
    arguments = ['gpus', 'my job', 'config.py', 'runs/a b', '--amp']
    answer = script('slurm_train', *arguments, PATH=path, PYTHON='python', **given)
    lines = answer.stdout.splitlines()
    started = lines.index('python')
    assert set(expected) <= set(lines[:started])
    assert {'--partition=gpus', '--job-name=my job', '--kill-on-bad-exit=1'} <= set(lines[:started])
    tool = ['-u', 'tools/train.py', 'config.py', '--work-dir', 'runs/a b', '--launcher', 'slurm']
    assert lines[started + 1 :] == [*tool, '--amp']


@pytest.mark.parametrize('name', ['dist_train', 'dist_test', 'slurm_train'])
def test_usage(name):
    answer = script(name, 'config.py')
    assert answer.returncode == 2
    assert answer.stderr.startswith(f'usage: tools/{name}.sh ')


@pytest.mark.slow
def test_a_mistake_is_shown_once_and_ends_with_status_2(tmp_path):
    """One that is found when everything is built, and all processes have met."""
    options = ['--work-dir', tmp_path, '--cfg-options', 'model.head.num_classes=7']
    answer = script('dist_train', CONFIG, 2, *options)
    assert answer.returncode == 2
    assert answer.stderr.count('error: the training set has 10 classes, but') == 1
    assert 'Traceback' not in answer.stderr


@pytest.fixture
def config(tmp_path):
    path = tmp_path / 'recorded.py'
    path.write_text(RECORDED)
    return path


@pytest.mark.slow
@pytest.mark.skipif(torch.cuda.is_available(), reason='trains without a GPU')
def test_a_killed_run_resumes_with_the_same_losses(config, tmp_path):
    whole, cut = tmp_path / 'whole', tmp_path / 'cut'
    answer = script('dist_train', config, 2, '--work-dir', whole, '--no-validate')
    assert answer.returncode == 0, answer.stderr
    options = ['--cfg-options', f'custom_hooks.1.kill_before={STEPS + 1}']  # in the second epoch
    answer = script('dist_train', config, 2, '--work-dir', cut, '--no-validate', *options)
    assert answer.returncode == 128 + 9, answer.stderr
    answer = script('dist_train', config, 2, '--work-dir', cut, '--no-validate', '--resume')
    assert answer.returncode == 0, answer.stderr
    for rank in range(2):
        expected, found = read_losses(whole, rank), read_losses(cut, rank)
        assert sorted(expected) == list(range(3 * STEPS))
        assert found == expected

    answer = script('dist_train', config, 2, '--work-dir', cut)
    assert answer.returncode == 2
    assert answer.stderr.count('already holds epoch_3.pth of another run') == 1
    metrics = []
    for count in (1, 2):
        file = tmp_path / f'{count}.json'
        answer = script('dist_test', config, cut, count, '--out', file)
        assert answer.returncode == 0, answer.stderr
        metrics.append(json.loads(file.read_text()))
    assert metrics[0] == metrics[1]
