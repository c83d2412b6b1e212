"""The report's folder: whole or untouched, and never another run's."""

import json
from pathlib import Path

import numpy as np
import pytest

from benchmarks.results import SCHEMA_VERSION, FileRecord, SplitRecord, read_results
from dynp_plugins.early_exit import ExitPolicy, ExitTable
from dynp_plugins.errors import UserError
from reports import write
from reports.staging import SUMS, check_sums, read_sums
from reports.write import check_output_folder, policy_name, run_identity, write_report

from .made_up_detectors import made_up_detection, made_up_detector
from .made_up_results import made_up_model, made_up_results
from .made_up_tables import made_up_policy, made_up_table

ALWAYS_THERE = ['curve.csv', 'curve.png', 'curve.svg', 'report.html', 'report.md', 'results.json']
TIMES = ['latency.png', 'latency.svg', 'speedup.png', 'speedup.svg']
FILES = sorted([*ALWAYS_THERE, *TIMES])
DRAWN = [name for name in FILES if name not in ('curve.csv', 'results.json')]


@pytest.fixture
def quick(monkeypatch):
    """Stands in for the slow drawings; what matters here is when and where files appear."""

    def draw(results, path):
        Path(path).write_text(f'drawn from {results.created}')

    monkeypatch.setattr(write, 'WRITERS', write.WRITERS | dict.fromkeys(DRAWN, draw))


def contents(folder):
    files = (path for path in folder.rglob('*') if path.is_file())
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in files}


def report_files(folder):
    """Names of all files but the list of their hashes, which must be right."""
    assert check_sums(folder) == []
    names = set(contents(folder)) - {SUMS}
    assert names == set(read_sums(folder))
    return sorted(names)


def test_all_files_for_real(tmp_path):
    results = made_up_results()
    path = write_report(results, tmp_path / 'new' / 'report')
    assert path == tmp_path / 'new' / 'report' / 'report.html'
    assert report_files(path.parent) == FILES
    assert read_results(path.parent / 'results.json') == results
    assert path.read_text(encoding='utf-8').startswith('<!doctype html>')
    assert (path.parent / 'curve.png').read_bytes()[:4] == b'\x89PNG'
    assert (path.parent / 'curve.svg').read_bytes()[:5] == b'<?xml'


def test_detectors_alone_have_a_table_of_their_own(tmp_path):
    results = made_up_detection(made_up_detector(latency=False))
    write_report(results, tmp_path)
    assert report_files(tmp_path) == [
        'curve.png',
        'curve.svg',
        'detection.csv',
        'report.html',
        'report.md',
        'results.json',
    ]
    assert read_results(tmp_path / 'results.json') == results


def test_models_and_detectors_have_both_tables(tmp_path, quick):
    write_report(made_up_detection(made_up_detector(), models=[made_up_model()]), tmp_path)
    assert report_files(tmp_path) == sorted([*FILES, 'detection.csv'])


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
    assert report_files(tmp_path) == FILES


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


def test_tables_and_policies(tmp_path, quick):
    tables = [made_up_table(split=split) for split in ('calibration', 'test')]
    policies = {'cheap': made_up_policy(), 'at most 1 % lost, 95 % sure': made_up_policy(0.9)}
    write_report(made_up_results(), tmp_path, tables=tables, policies=policies)
    names = [f'tables/network_{table.manifest["split"]}' for table in tables]
    assert report_files(tmp_path) == sorted(
        [
            *FILES,
            *(f'{name}{suffix}' for name in names for suffix in ('.json', '.npz')),
            'policies/cheap.json',
            'policies/at_most_1_lost_95_sure.json',
        ]
    )
    loaded = ExitTable.load(tmp_path / 'tables/network_test.npz')
    np.testing.assert_array_equal(loaded.prediction, tables[1].prediction)
    assert loaded.manifest == tables[1].manifest
    policy = ExitPolicy.load(tmp_path / 'policies/at_most_1_lost_95_sure.json')
    assert policy == policies['at most 1 % lost, 95 % sure']


def test_what_only_the_earlier_report_had_is_removed(tmp_path, quick):
    tables = [made_up_table('gone'), made_up_table('stays')]
    policies = {'gone': made_up_policy(), 'stays': made_up_policy()}
    write_report(made_up_results(), tmp_path, tables=tables, policies=policies)
    (tmp_path / 'tables/mine_test.npz').write_text('mine')
    (tmp_path / 'policies/mine.json').write_text('mine')
    untimed = made_up_results(made_up_model(latency=False))
    write_report(untimed, tmp_path, tables=tables[1:], policies={'stays': made_up_policy()})
    mine = {'tables/mine_test.npz', 'policies/mine.json'}
    assert set(contents(tmp_path)) - {SUMS} - mine == {
        *ALWAYS_THERE,
        'tables/stays_test.json',
        'tables/stays_test.npz',
        'policies/stays.json',
    }
    assert all((tmp_path / name).read_text() == 'mine' for name in mine)
    (tmp_path / 'tables/mine_test.npz').unlink()
    write_report(untimed, tmp_path)
    assert not (tmp_path / 'tables').exists() and (tmp_path / 'policies').is_dir()


@pytest.mark.parametrize('names', [('a b', 'a_b'), ('/', '?')])
def test_policies_that_would_have_the_same_file_are_refused(tmp_path, quick, names):
    with pytest.raises(UserError, match='rename one'):
        write_report(made_up_results(), tmp_path, policies=dict.fromkeys(names, made_up_policy()))
    assert contents(tmp_path) == {}


@pytest.mark.parametrize(
    'name, file',
    [
        ('plain-1.5', 'plain-1.5.json'),
        ('../../etc/passwd', 'etc_passwd.json'),
        ('..', 'policy.json'),
        ('naïve % 10', 'na_ve_10.json'),
    ],
)
def test_policy_names(name, file):
    assert policy_name(name) == file


@pytest.mark.parametrize('name', ['curve.png', 'tables/network_test.npz', 'policies'])
def test_something_else_in_place_of_a_file(tmp_path, quick, name):
    """What cannot be written is found out before anything is moved."""
    write_report(made_up_results(created='first'), tmp_path)
    path = tmp_path / name
    path.unlink(missing_ok=True)
    if name == 'policies':
        path.write_text('mine')
    else:
        path.mkdir(parents=True)
    before = contents(tmp_path)
    with pytest.raises(UserError, match=name):
        write_report(
            made_up_results(created='second'),
            tmp_path,
            tables=[made_up_table()],
            policies={'one': made_up_policy()},
        )
    assert contents(tmp_path) == before


def test_results_without_a_curve_write_nothing(tmp_path):
    with pytest.raises(UserError, match='no points'):
        write_report(made_up_results(made_up_model(points=[])), tmp_path / 'new')
    assert not (tmp_path / 'new').exists()


def test_results_json_is_what_read_results_reads(tmp_path, quick):
    write_report(made_up_results(), tmp_path)
    assert json.loads((tmp_path / 'results.json').read_text())['schema_version'] == SCHEMA_VERSION
