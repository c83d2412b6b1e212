"""What several processes of a tool answer together."""

import json
import os

import pytest
import torch
from torch.distributed.elastic.multiprocessing.api import SignalException
from torch.distributed.elastic.multiprocessing.errors import ChildFailedError, ProcessFailure

from dynp_plugins import UserError, launching
from dynp_plugins.errors import exits_on_user_error

TOOL = ['tools/train.py', 'config.py', '--launcher', 'pytorch']


@pytest.fixture(autouse=True)
def no_gpu(monkeypatch):
    monkeypatch.setattr(torch.cuda, 'is_available', lambda: False)
    monkeypatch.setattr(torch.cuda, 'device_count', lambda: 0)
    for name in ('NNODES', 'NODE_RANK', 'MASTER_ADDR', 'PORT', 'OMP_NUM_THREADS'):
        monkeypatch.delenv(name, raising=False)


@pytest.fixture
def launch(monkeypatch, capsys):
    """Launch a tool; returns what torchrun was told, exit status and stderr."""

    def launch(*arguments, ends_with=None):
        told = []

        def run(options):
            told.append(options)
            if ends_with is not None:
                raise ends_with

        monkeypatch.setattr(launching, 'run', run)
        status = 0
        try:
            launching.main([*arguments])
        except SystemExit as end:
            status = end.code
        return (told or [None])[0], status, capsys.readouterr().err

    return launch


def failed(folder, rank, status, error=None):
    """What torchrun finds of a process that ended with ``status``, by raising ``error``."""
    file = folder / f'error{rank}.json'
    if error is not None:

        @exits_on_user_error
        def main():
            raise error

        os.environ['TORCHELASTIC_ERROR_FILE'] = str(file)
        try:
            with pytest.raises(SystemExit) as end:
                main()
        finally:
            del os.environ['TORCHELASTIC_ERROR_FILE']
        assert end.value.code == status
    return ProcessFailure(local_rank=rank, pid=1, exitcode=status, error_file=str(file))


def test_one_machine(launch, monkeypatch):
    monkeypatch.setattr(launching, '_usable_cores', lambda: 9)
    told, status, error = launch('2', *TOOL)
    assert (status, error) == (0, '')
    assert told.standalone
    assert told.nproc_per_node == '2'
    assert [told.training_script, *told.training_script_args] == TOOL
    assert os.environ['OMP_NUM_THREADS'] == '4'  # of 9 cores


def test_more_processes_than_cores_and_threads_that_are_set(launch, monkeypatch):
    monkeypatch.setattr(launching, '_usable_cores', lambda: 2)
    launch('3', *TOOL)
    assert os.environ['OMP_NUM_THREADS'] == '1'
    monkeypatch.setenv('OMP_NUM_THREADS', '7')
    launch('3', *TOOL)
    assert os.environ['OMP_NUM_THREADS'] == '7'


def test_several_machines(launch, monkeypatch):
    for name, value in dict(NNODES='2', NODE_RANK='1', MASTER_ADDR='first', PORT='1234').items():
        monkeypatch.setenv(name, value)
    told, *_ = launch('4', *TOOL)
    assert not told.standalone
    assert (told.nnodes, told.node_rank) == ('2', 1)
    assert (told.master_addr, told.master_port) == ('first', 1234)


@pytest.mark.parametrize('number', ['0', '-1', 'two', '1.5', ''])
def test_impossible_numbers_of_processes(launch, number):
    told, status, error = launch(number, *TOOL)
    assert (told, status) == (None, 2)
    assert error == f'error: {number} processes cannot be started: give a whole number from 1\n'


def test_more_processes_than_gpus(launch, monkeypatch):
    monkeypatch.setattr(torch.cuda, 'is_available', lambda: True)
    monkeypatch.setattr(torch.cuda, 'device_count', lambda: 2)
    _, status, error = launch('4', *TOOL)
    assert status == 2
    assert 'need a GPU each, and there are 2' in error
    assert launch('2', *TOOL)[1] == 0


def test_a_mistake_of_the_user_is_shown_once(launch, tmp_path):
    mistake = UserError('no config file nowhere.py')
    failures = {rank: failed(tmp_path, rank, 2, mistake) for rank in range(2)}
    _, status, error = launch('2', *TOOL, ends_with=ChildFailedError('train.py', failures))
    assert (status, error) == (2, 'error: no config file nowhere.py\n')


def test_a_mistake_in_one_process_counts_more_than_what_it_does_to_others(launch, tmp_path):
    failures = {0: failed(tmp_path, 0, 1), 1: failed(tmp_path, 1, 2, UserError('bad picture'))}
    _, status, error = launch('2', *TOOL, ends_with=ChildFailedError('train.py', failures))
    assert (status, error) == (2, 'error: bad picture\n')


def test_torchrun_itself_can_read_the_message(tmp_path):
    failure = failed(tmp_path, 0, 2, UserError('no config file nowhere.py'))
    assert failure.message == 'no config file nowhere.py'
    assert 'no config file nowhere.py' in str(ChildFailedError('train.py', {0: failure}))


def test_other_ends_of_processes(launch, tmp_path):
    """A traceback, a usage error, and a signal; the first two have been shown by the process."""
    for code, expected in ((1, 1), (2, 2), (-9, 137)):
        failures = {0: failed(tmp_path, 0, code)}
        _, status, error = launch('2', *TOOL, ends_with=ChildFailedError('train.py', failures))
        assert status == expected
        assert error == ('error: process 0 was killed by SIGKILL\n' if code == -9 else '')


def test_being_stopped(launch):
    _, status, _ = launch('2', *TOOL, ends_with=SignalException('stop', 15))
    assert status == 128 + 15


def test_without_torchrun_the_message_is_shown(capsys):
    @exits_on_user_error
    def main():
        raise UserError('nothing works')

    with pytest.raises(SystemExit):
        main()
    assert capsys.readouterr().err == 'error: nothing works\n'


def test_the_error_file_is_json_of_whatever_message(tmp_path):
    failed(tmp_path, 0, 2, UserError('größer "als" 1\n  zweite Zeile'))
    content = json.loads((tmp_path / 'error0.json').read_text(encoding='utf-8'))
    assert content['message'] == 'größer "als" 1\n  zweite Zeile'
