"""The report's folder: whole or untouched, and never another run's."""

import json
import os
from pathlib import Path

import pytest

from benchmarks.results import SCHEMA_VERSION, FileRecord, SplitRecord, read_results
from dynp_plugins import atomic_files
from dynp_plugins.errors import UserError
from reports import write
from reports.write import check_output_folder, run_identity, write_report

from .made_up_results import made_up_model, made_up_results

FILES = ['curve.csv', 'curve.png', 'curve.svg', 'report.html', 'results.json']


@pytest.fixture
def quick(monkeypatch):
    """Stands in for the slow drawings; what matters here is when and where files appear."""

    def draw(results, path):
        Path(path).write_text(f'drawn from {results.created}')

    slow = dict.fromkeys(['report.html', 'curve.png', 'curve.svg'], draw)
    monkeypatch.setattr(write, 'WRITERS', write.WRITERS | slow)


def contents(folder):
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def test_all_files_for_real(tmp_path):
    results = made_up_results()
    path = write_report(results, tmp_path / 'new' / 'report')
    assert path == tmp_path / 'new' / 'report' / 'report.html'
    assert sorted(contents(path.parent)) == FILES
    assert read_results(path.parent / 'results.json') == results
    assert path.read_text(encoding='utf-8').startswith('<!doctype html>')
    assert (path.parent / 'curve.png').read_bytes()[:4] == b'\x89PNG'
    assert (path.parent / 'curve.svg').read_bytes()[:5] == b'<?xml'


def test_the_same_run_may_be_written_again(tmp_path, quick):
    write_report(made_up_results(created='first'), tmp_path)
    write_report(made_up_results(created='second'), tmp_path)
    assert read_results(tmp_path / 'results.json').created == 'second'
    assert (tmp_path / 'curve.png').read_text() == 'drawn from second'


OTHER = {
    'config': FileRecord('other.py', 'e' * 64),
    'checkpoint': FileRecord('other.pth', 'e' * 64),
    'calibration': SplitRecord('calibration', 600, 'e' * 64),
    'test': SplitRecord('test', 1000, 'e' * 64),
}


@pytest.mark.parametrize('part', OTHER)
def test_another_run_is_refused(tmp_path, quick, part):
    write_report(made_up_results(), tmp_path)
    before = contents(tmp_path)
    other = made_up_results(made_up_model(**{part: OTHER[part]}))
    with pytest.raises(UserError, match=r'another run.*--overwrite') as caught:
        write_report(other, tmp_path)
    assert str(tmp_path) in str(caught.value)
    assert contents(tmp_path) == before
    write_report(other, tmp_path, overwrite=True)
    assert read_results(tmp_path / 'results.json') == other


def test_one_model_more_is_another_run(tmp_path, quick):
    write_report(made_up_results(), tmp_path)
    more = made_up_results(made_up_model(), made_up_model('second'))
    with pytest.raises(UserError, match='another run'):
        write_report(more, tmp_path)


def test_before_measuring_only_known_hashes_are_compared(tmp_path, quick):
    results = made_up_results()
    write_report(results, tmp_path)
    ((config, checkpoint, calibration, test),) = run_identity(results)
    check_output_folder(tmp_path, False, [(config, checkpoint, None, None)])
    check_output_folder(tmp_path, False, [(config, checkpoint, calibration, test)])
    for identity in (
        [(config, 'e' * 64, None, None)],
        [('e' * 64, checkpoint, None, None)],
        [(config, checkpoint, 'e' * 64, test)],
        [(config, checkpoint, None, None), (config, 'e' * 64, None, None)],
        [(None, None, None, None)],
        [],
        None,
    ):
        with pytest.raises(UserError, match='--overwrite'):
            check_output_folder(tmp_path, False, identity)
        check_output_folder(tmp_path, True, identity)


@pytest.mark.parametrize('text', ['not json', '{}', '{"schema_version": 999}', ''])
def test_unreadable_results_are_refused(tmp_path, quick, text):
    (tmp_path / 'results.json').write_text(text)
    with pytest.raises(UserError, match='--overwrite'):
        write_report(made_up_results(), tmp_path)
    assert contents(tmp_path) == {'results.json': text.encode()}
    write_report(made_up_results(), tmp_path, overwrite=True)
    assert sorted(contents(tmp_path)) == FILES


@pytest.mark.parametrize('name', [name for name in FILES if name != 'results.json'])
def test_our_files_without_results_are_refused(tmp_path, quick, name):
    (tmp_path / name).write_text('mine')
    with pytest.raises(UserError, match=f'{name} but no results.json'):
        check_output_folder(tmp_path, False, run_identity(made_up_results()))
    check_output_folder(tmp_path, True)


def test_other_files_stay(tmp_path, quick):
    (tmp_path / 'notes.txt').write_text('mine')
    write_report(made_up_results(), tmp_path)
    assert (tmp_path / 'notes.txt').read_text() == 'mine'


@pytest.mark.parametrize('overwrite', [False, True])
@pytest.mark.parametrize('inside', ['', 'deeper'])
def test_a_file_in_place_of_the_folder(tmp_path, overwrite, inside):
    (tmp_path / 'file').write_text('mine')
    with pytest.raises(UserError, match='choose another folder'):
        check_output_folder(tmp_path / 'file' / inside, overwrite)


def test_checking_makes_nothing(tmp_path):
    check_output_folder(tmp_path / 'new', False)
    assert list(tmp_path.iterdir()) == []


def test_a_failing_drawing_leaves_the_earlier_report(tmp_path, quick, monkeypatch):
    write_report(made_up_results(created='first'), tmp_path)
    before = contents(tmp_path)

    def fail(results, path):
        Path(path).write_text('half')
        raise RuntimeError('out of ink')

    for name in FILES:
        with monkeypatch.context() as patch:
            patch.setattr(write, 'WRITERS', write.WRITERS | {name: fail})
            with pytest.raises(RuntimeError, match='out of ink'):
                write_report(made_up_results(created='second'), tmp_path)
        assert contents(tmp_path) == before


def test_killed_between_two_moves_the_run_can_be_repeated(tmp_path, quick, monkeypatch):
    moved, replace = [], os.replace

    def replace_once(source, destination):
        if Path(destination).parent == tmp_path and not Path(destination).name.startswith('.'):
            if moved:
                raise KeyboardInterrupt
            moved.append(Path(destination).name)
        replace(source, destination)

    with monkeypatch.context() as patch:
        patch.setattr(atomic_files.os, 'replace', replace_once)
        with pytest.raises(KeyboardInterrupt):
            write_report(made_up_results(), tmp_path)
    assert moved == ['results.json']
    write_report(made_up_results(), tmp_path)
    assert sorted(contents(tmp_path)) == FILES


def test_results_without_a_curve_write_nothing(tmp_path):
    with pytest.raises(UserError, match='no points'):
        write_report(made_up_results(made_up_model(points=[])), tmp_path / 'new')
    assert not (tmp_path / 'new').exists()


def test_results_json_is_what_read_results_reads(tmp_path, quick):
    write_report(made_up_results(), tmp_path)
    assert json.loads((tmp_path / 'results.json').read_text())['schema_version'] == SCHEMA_VERSION
