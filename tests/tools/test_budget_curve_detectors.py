"""tools/budget_curve.py with detectors: alone, and on one page with a classifier."""

import json

import pytest
import torch

from benchmarks.results import read_results
from dynp_plugins.early_exit import ALWAYS, ExitPolicy
from tests.benchmarks.detection.tiny_runs import write_detector, write_scenes
from tests.tools.command_lines import CONFIG, SMALL, answered, csv_rows, refused


@pytest.fixture(scope='module')
def folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp('detector')
    write_scenes(folder / 'data', {'calibration': 2, 'test': 4})  # a batch each
    return folder


@pytest.fixture(scope='module')
def detector(folder):
    """Config and checkpoint."""
    return write_detector(folder, folder / 'data')


SCALES = ('--scales', '32x32', '64')


def test_a_detector_beside_a_classifier(run, checkpoint, detector, tmp_path):
    arguments = ('budget_curve', *detector, CONFIG, checkpoint, '--out', 'r', *SCALES)
    out = answered(run(*arguments, '--budgets', '3', *SMALL))
    results = read_results(tmp_path / 'r/results.json')
    (classifier,), (found,) = results.models, results.detectors
    assert found.name == 'tiny' in out
    assert [point.scale for point in found.points] == [[32, 32], [85, 64]]
    assert (found.calibration.samples, found.test.samples) == (2, 4)
    assert len(classifier.points) == 3
    assert results.comparisons == results.detector_comparisons == []
    tables = {path.name for path in (tmp_path / 'r/tables').glob('*.npz')}
    assert {'tiny_calibration_32x32.npz', 'tiny_test_85x64.npz'} < tables
    assert len(tables) == 6
    rows = csv_rows(tmp_path / 'r/detection.csv')
    assert len(rows) == 2
    assert csv_rows(tmp_path / 'r/curve.csv')
    assert 'nothing impossible found' in answered(run('budget_curve', '--check', 'r'))
    arguments = ('budget_curve', *detector, CONFIG, checkpoint, '--out', 'q', *SCALES)
    answered(run(*arguments, '--budgets', '3', *SMALL, '--jobs', '2'))
    together = read_results(tmp_path / 'q/results.json')
    assert (together.models, together.detectors) == (results.models, results.detectors)
    refused(run(*arguments, '--jobs', '0'), '--jobs 0: give a whole number of at least 1')


def test_a_detector_alone_again_and_again(run, detector, tmp_path):
    arguments = ('budget_curve', *detector, '--out', 'r')
    answered(run(*arguments, *SCALES))
    first = read_results(tmp_path / 'r/results.json')
    assert (first.models, len(first.detectors)) == ([], 1)
    assert not (tmp_path / 'r/curve.csv').exists()
    answered(run(*arguments, '--reuse-tables'))  # not at the scale of the config alone
    assert read_results(tmp_path / 'r/results.json').detectors == first.detectors
    size = (tmp_path / 'r/tables/tiny_test_32x32.npz').stat().st_size
    pytest.importorskip('faster_coco_eval')
    options = ('--scales', '32x32', '--reuse-tables', '--metrics-by', 'faster-coco-eval')
    answered(run(*arguments, *options))  # the same run, though of one scale only
    (again,) = read_results(tmp_path / 'r/results.json').detectors
    (point,) = again.points
    assert point.test.map_percent == pytest.approx(first.detectors[0].points[0].test.map_percent)
    assert point.map_interval == first.detectors[0].points[0].map_interval
    assert [path.name for path in (tmp_path / 'r/tables').glob('*test*.npz')] == [
        'tiny_test_32x32.npz'
    ]
    assert (tmp_path / 'r/tables/tiny_test_32x32.npz').stat().st_size == size
    content = json.loads((tmp_path / 'r/results.json').read_text())
    content['detectors'][0]['points'][0]['test']['ap50_percent'] = 99.0
    (tmp_path / 'r/results.json').write_text(json.dumps(content))
    found = answered(run('budget_curve', '--check', 'r'), status=1)
    assert 'tiny: at 32x32 the mAP on the test split' in found


def test_scales_that_cannot_be(run, checkpoint, detector):
    arguments = ('budget_curve', *detector, '--out', 'r', '--scales')
    refused(run(*arguments, '8'), '11x8 is smaller than the largest stride', 'at least 16')
    refused(run(*arguments, '64x32', '64x32'), '64x32 is given twice')
    refused(run(*arguments, 'small'), "scale 'small': write LONGxSHORT")
    answer = run('budget_curve', CONFIG, checkpoint, '--out', 'r', '--scales', '64', *SMALL)
    refused(answer, '--scales is for detectors')


def test_a_policy_is_not_for_detectors(run, detector, tmp_path):
    ExitPolicy(('early', 'late'), 'max_softmax', (0.9, ALWAYS)).save(tmp_path / 'p.json')
    answer = run('test', *detector, '--policy', 'p.json')
    refused(answer, '--policy is for classifiers', 'describes a detector')


def test_weights_of_something_else(run, checkpoint, detector):
    answer = run('budget_curve', detector[0], checkpoint, '--out', 'r')
    refused(answer, 'does not fit')
    torch.save({'state_dict': {}}, 'empty.pth')
    refused(run('budget_curve', detector[0], 'empty.pth', '--out', 'r'), 'empty.pth')
