"""Imports go one way: tools -> reports -> benchmarks -> dynp_plugins."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).parents[1]
ROOMS = ('dynp_plugins', 'benchmarks', 'reports', 'tools')
OPENMMLAB = {'mmengine', 'mmcv', 'mmdet', 'mmpretrain', 'mmaction'}


def imported(path):
    """Absolute names of everything a file imports, at any depth."""
    package = list(path.relative_to(REPOSITORY).parent.parts)
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            base = package[: len(package) - node.level + 1] if node.level else []
            yield '.'.join([*base, *([node.module] if node.module else [])])


@pytest.mark.parametrize('room', ROOMS)
def test_no_import_against_the_direction(room):
    allowed = set(ROOMS[: ROOMS.index(room) + 1]) - {'tools'}
    wrong = [
        (str(path), name)
        for path in (REPOSITORY / room).rglob('*.py')
        for name in imported(path)
        if name.split('.')[0] in set(ROOMS) - allowed
    ]
    assert wrong == []


@pytest.mark.parametrize('folder', ['networks', 'early_exit'])
def test_networks_and_early_exit_import_no_openmmlab(folder):
    paths = list((REPOSITORY / 'dynp_plugins' / folder).rglob('*.py'))
    assert paths
    wrong = [(p, n) for p in paths for n in imported(p) if n.split('.')[0] in OPENMMLAB]
    assert wrong == []


def test_create_model_needs_no_openmmlab_at_run_time():
    code = (
        'import sys, dynp_plugins\n'
        "dynp_plugins.create_model('dyn_perceiver_regnety_tiny', num_classes=3)\n"
        f'print({OPENMMLAB!r} & set(sys.modules))'
    )
    answer = subprocess.run(
        [sys.executable, '-c', code], capture_output=True, text=True, check=True, cwd=REPOSITORY
    )
    assert answer.stdout.strip() == 'set()'
