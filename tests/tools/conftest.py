"""Running a tool in this process, and weights to run it on."""

import logging
import runpy
import sys

import pytest
import torch

from dynp_plugins import create_model
from tests.conftest import REPOSITORY


@pytest.fixture
def run(monkeypatch, capsys, tmp_path):
    """Run a tool in this process; returns exit status, stdout and stderr."""

    def run(tool, *arguments):
        monkeypatch.setattr(sys, 'argv', [f'tools/{tool}.py', *map(str, arguments)])
        capsys.readouterr()
        status, handlers = 0, logging.root.handlers[:]
        try:
            runpy.run_path(str(REPOSITORY / 'tools' / f'{tool}.py'), run_name='__main__')
        except SystemExit as end:
            status = end.code
        finally:  # a tool's own would write to a stream that is closed by then
            logging.root.handlers[:] = handlers
        captured = capsys.readouterr()
        return status, captured.out, captured.err

    monkeypatch.chdir(tmp_path)
    return run


@pytest.fixture(scope='module')
def checkpoint(tmp_path_factory):
    torch.manual_seed(0)
    network = create_model('dyn_perceiver_regnety_tiny', num_classes=10)
    path = tmp_path_factory.mktemp('weights') / 'tiny.pth'
    torch.save({'state_dict': network.state_dict()}, path)
    return path
