"""``--check``: a true report passes, and each impossible result is found."""

import json
from dataclasses import replace

import numpy as np
import pytest

from benchmarks.check_results import check_folder
from dynp_plugins import UserError
from dynp_plugins.early_exit import ExitTable
from tests.benchmarks.measured import measured_model, results_of, write_folder


@pytest.fixture(scope='module')
def model():
    return measured_model()


@pytest.fixture
def folder(model, tmp_path):
    write_folder(tmp_path, results_of(model), [model])
    return tmp_path


def edit(folder, change):
    content = json.loads((folder / 'results.json').read_text())
    change(content['models'][0])
    (folder / 'results.json').write_text(json.dumps(content))


def test_a_true_report_has_no_problem(folder):
    assert check_folder(folder) == []


@pytest.mark.parametrize('together', [1, 4, 8, 16])
def test_a_true_report_of_videos_has_no_problem(folder, together):
    edit(
        folder,
        lambda m: m.update(
            task='action recognition', input_shape=[16, 3, 32, 32], frames_per_clip=together
        ),
    )
    assert check_folder(folder) == []


@pytest.mark.parametrize(
    ('change', 'problem'),
    [
        (lambda m: m['points'][3]['exit_shares'].update(exit0=0.9), 'shares sum to'),
        (lambda m: m['points'][3].update(gmacs_mean=5.0), 'outside what the exits cost: 1 to 4'),
        (lambda m: m['points'][3].update(gmacs_mean=2.0), 'but the shares make it'),
        (lambda m: m['points'][3].update(top1_percent=99.9), '99.9 %, above the oracle'),
        (lambda m: m['points'][3].update(top1_percent=50.0), 'the exit table gives'),
        (lambda m: m['points'][3]['thresholds'].update(exit0=0.2), 'the exit table gives'),
        (lambda m: m['operating_points'][0]['point'].update(top1_percent=50.0), 'gives'),
        (lambda m: m['exits'][2].update(gmacs=3.5), 'another exit_gmacs than results.json'),
        (lambda m: m['exits'][1].update(test_top1_percent=99.0), 'exits are said to have'),
        (
            lambda m: m['exits'][1].update(mean_class_percent=70.0),
            '% mean class accuracy, the exit',
        ),
        (
            lambda m: m['exits'][1].update(mean_class_percent=101.0),
            'the mean class accuracy of exit exit1 is 101 %, which cannot be',
        ),
        (
            lambda m: m['exits'][1].update(mean_class_percent=100.0),
            'exit exit1 has 76.7 % top-1 and 100 % mean class accuracy',
        ),
        (
            lambda m: m['exits'][1].update(mean_class_percent=0.0),
            'exit exit1 has 76.7 % top-1 and 0 % mean class accuracy',
        ),
        (
            lambda m: m['exits'][1]['mean_class_interval'].update(low=90.0, high=80.0),
            'the interval of the mean class accuracy of exit exit1 is 90 to 80 %, which cannot be',
        ),
        (
            lambda m: m['exits'][1]['test_top1_interval'].update(low=-1.0),
            'the interval of the top-1 accuracy of exit exit1 is -1 to',
        ),
        (lambda m: m['exits'][1].update(test_top5_percent=0.0), '0 % top-5 accuracy, less than'),
        (lambda m: m.update(task='counting'), "'counting' is none of classification, action"),
        (lambda m: m.update(task='action recognition'), 'has 4 sizes of at least 1, but the'),
        (lambda m: m.update(input_shape=[8, 3, 32, 32]), 'has 3 sizes of at least 1, but the'),
        (lambda m: m.update(frames_per_clip=2), 'sees 2 frames together, but a sample has 1'),
        (
            lambda m: m.update(
                task='action recognition', input_shape=[12, 3, 32, 32], frames_per_clip=8
            ),
            'sees 8 frames together, but a sample has 12',
        ),
        (lambda m: m.update(frames_per_clip=0), 'sees 0 frames together'),
        (lambda m: m['exits'][2].update(gmacs=1.5), 'exit2 costs 1.5 GMACs in all, no more than'),
        (lambda m: m['test'].update(samples=999), 'has 1000 samples, but the split has 999'),
        (lambda m: m['test'].update(samples=999), 'hold 1000 samples, but the test split has 999'),
        (lambda m: m['test'].update(samples=999), 'no whole numbers of the 999 test samples'),
        (lambda m: m['test'].update(sha256='x'), 'another index_sha256 than results.json'),
        (lambda m: m['config'].update(sha256='x'), 'another config_sha256'),
        (lambda m: m['checkpoint'].update(sha256='x'), 'another weights_sha256'),
        (lambda m: m['calibration'].update(m['test']), 'the calibration split is the test split'),
    ],
)
def test_what_cannot_be_is_found(folder, change, problem):
    edit(folder, change)
    found = check_folder(folder)
    assert any(problem in line for line in found), found
    assert all(line.startswith('net: ') for line in found)


def test_tables_that_share_pictures(model, folder):
    test = ExitTable.load(folder / 'tables/net_test.npz')
    shared = replace(model.calibration, picture=test.picture[:600])
    shared.save(folder / 'tables/net_calibration.npz')
    found = check_folder(folder)
    assert any('overlap: 600 of the 1000 test samples' in line for line in found)
    assert any('holds other samples than results.json says' in line for line in found)


def test_a_number_that_is_none_is_refused(folder):
    text = (folder / 'results.json').read_text()
    (folder / 'results.json').write_text(text.replace('"brier": ', '"brier": NaN, "x": ', 1))
    with pytest.raises(UserError, match='NaN is no number'):
        check_folder(folder)


def test_a_missing_table_is_a_problem(folder):
    (folder / 'tables/net_test.npz').unlink()
    (found,) = check_folder(folder)
    assert 'net_test.npz is not a readable exit table' in found


def test_predictions_that_changed_behind_the_results(folder):
    table = ExitTable.load(folder / 'tables/net_test.npz')
    np.copyto(table.label_rank, 1)
    table.save(folder / 'tables/net_test.npz')
    assert (
        len(check_folder(folder)) == 12
    )  # nine budgets, the policy beside them, and the exits twice


def test_a_folder_without_results(tmp_path):
    with pytest.raises(UserError, match=r'results\.json is not a results file'):
        check_folder(tmp_path)
