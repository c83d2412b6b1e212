"""A process that is killed while it writes a report leaves whole files, and can do it again."""

import csv
import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

import reports
from benchmarks.results import read_results
from dynp_plugins.early_exit import ExitPolicy
from reports.staging import SUMS, check_sums, read_sums

from .killed_writer import FIRST, SECOND, drawing, write_as

ROOT = Path(reports.__file__).parents[1]


@pytest.fixture(scope='module')
def killed(tmp_path_factory):
    """Folders of reports whose second writing was killed at every moment there is, in order."""
    folder = tmp_path_factory.mktemp('killed')
    script = [sys.executable, '-W', 'ignore', '-m', 'tests.reports.killed_writer', str(folder)]
    done = subprocess.run(
        script,
        cwd=ROOT,
        env=os.environ | {'PYTHONPATH': str(ROOT)},
        capture_output=True,
        text=True,
        timeout=900,
        check=True,
    )
    ends = done.stdout.split()
    assert set(ends[:-1]) == {str(-signal.SIGKILL)} and ends[-1] == '0'
    return [folder / str(moment) for moment in range(len(ends) - 1)]


def visible_files(folder):
    paths = (path for path in folder.rglob('*') if path.is_file())
    names = [path.relative_to(folder) for path in paths]
    return sorted(name.as_posix() for name in names if not name.parts[0].startswith('.'))


def check_whole(path):
    """Parse a file of the report; returns which of the two writings it is from."""
    if path.name == 'results.json':
        return read_results(path).created
    if path.suffix == '.csv':
        with path.open(encoding='utf-8', newline='') as file:
            rows = list(csv.reader(file))
        assert len(rows) == 34 and {len(row) for row in rows} == {len(rows[0])}
        return None  # both writings have the same numbers
    if path.name == SUMS:
        sums = read_sums(path.parent)
        assert path.read_bytes().count(b'\n') == len(sums) >= 9
        return None
    if path.suffix == '.npz':
        with np.load(path) as arrays:
            return {20: FIRST, 30: FIRST, 40: SECOND}[len(arrays['label'])]
    if path.parent.name == 'tables':
        return json.loads(path.read_text())['made']
    if path.parent.name == 'policies':
        return ExitPolicy.load(path).settings['made']
    text = path.read_text(encoding='utf-8')
    assert text in (drawing(FIRST), drawing(SECOND))
    return FIRST if text == drawing(FIRST) else SECOND


def test_every_moment_is_tried(killed):
    """Moves and removals, and the middle of a file; how far it came shows in results.json."""
    made = [check_whole(folder / 'results.json') for folder in killed]
    assert made == sorted(made) and {FIRST, SECOND} == set(made)
    assert len(killed) >= 25 and made.count(SECOND) > 10  # Pythons remove folders in other steps


def test_visible_files_are_whole(killed):
    for folder in killed:
        made = {name: check_whole(folder / name) for name in visible_files(folder)}
        assert {'results.json', 'report.html', 'curve.png', SUMS} <= made.keys()
        assert set(made.values()) <= {FIRST, SECOND, None}
        if SECOND in made.values():  # results.json is moved before all others
            assert made['results.json'] == SECOND


def test_the_sums_tell_a_mixture(killed, tmp_path):
    """They are right for the earlier report, and once all of the new one is there."""
    write_as(SECOND, tmp_path)
    new = visible_files(tmp_path)
    right = [folder for folder in killed if check_sums(folder) == []]
    assert killed[0] in right and len(right) < len(killed)
    for folder in right:
        made = {name: check_whole(folder / name) for name in visible_files(folder)}
        in_new = {made.get(name) for name in new} - {None}
        assert set(made.values()) <= {FIRST, None} or in_new == {SECOND}


def test_the_run_can_be_written_again(killed, tmp_path):
    write_as(SECOND, tmp_path / 'clean')
    expected = visible_files(tmp_path / 'clean')
    for folder in killed:
        write_as(SECOND, folder)
        assert visible_files(folder) == expected
        assert check_sums(folder) == []
        assert not list(folder.glob('.*'))  # what the killed process had begun is gone
