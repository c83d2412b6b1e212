"""--check on detectors: nothing to say of sound results, and every kind of nonsense is found."""

from dataclasses import replace

import pytest

from benchmarks.check_results import check_folder
from benchmarks.detection.table import DetectionTable
from benchmarks.interval import Interval
from benchmarks.results import read_results, write_results
from benchmarks.run_records import SplitRecord
from tests.benchmarks.detection.measured import measured_detector, write_folder
from tests.benchmarks.measured import results_of

TABLE = 'net_test_200x160.npz'


@pytest.fixture(scope='module')
def detector():
    return measured_detector()


@pytest.fixture
def folder(detector, tmp_path):
    write_folder(tmp_path, results_of(detectors=[detector.result]), [detector])
    return tmp_path


def problems(folder, change):
    """After the last operating point has been changed."""
    results = read_results(folder / 'results.json')
    (detector,) = results.detectors
    points = [*detector.points[:-1], change(detector.points[-1])]
    write_results(
        replace(results, detectors=[replace(detector, points=points)]), folder / 'results.json'
    )
    return check_folder(folder)


def test_sound_results(folder):
    assert check_folder(folder) == []


@pytest.mark.parametrize(
    ('change', 'message'),
    [
        (lambda p: replace(p, gmacs_mean=2 * p.gmacs_mean), 'the parts cost'),
        (lambda p: replace(p, gmacs_max=p.gmacs_min), 'the whole costs'),
        (lambda p: replace(p, gmacs_std=-1.0), 'a deviation of -1'),
        (lambda p: replace(p, gmacs_std=p.gmacs_std + 1), 'gmacs_std is said to be'),
        (lambda p: replace(p, parts=p.parts[::-1]), "the parts are ['head', 'neck', 'backbone']"),
        (lambda p: replace(p, calibration_gmacs_mean=1e-9), 'not in the order of their cost'),
        (lambda p: replace(p, chosen=not p.chosen), 'chosen is said to be'),
        (
            lambda p: replace(p, test=replace(p.test, map_percent=101.0)),
            'an average precision is 101 %',
        ),
        (
            lambda p: replace(p, test=replace(p.test, ap75_percent=12.5)),
            'the mAP on the test split and its kin',
        ),
        (
            lambda p: replace(p, calibration=replace(p.calibration, map_percent=12.5)),
            'the mAP on the calibration split',
        ),
        (
            lambda p: replace(p, classes=[replace(p.classes[0], objects=0), *p.classes[1:]]),
            'the class red has 0 objects',
        ),
        (lambda p: replace(p, classes=p.classes[:2]), 'the classes are'),
        (lambda p: replace(p, map_interval=Interval(5.0, 4.0)), 'an interval goes from 5 to 4'),
        (lambda p: replace(p, ap50_interval=None), 'ap50_interval is said to be None'),
        (
            lambda p: replace(p, parts=[replace(p.parts[0], with_norm_gmacs_mean=0), *p.parts[1:]]),
            'the backbone costs less with its normalisation layers than without',
        ),
    ],
)
def test_impossible_points(folder, change, message):
    found = problems(folder, change)
    assert any(message in problem for problem in found), found
    assert all(problem.startswith('net: ') for problem in found)


def test_a_table_of_another_run(folder):
    table = DetectionTable.load(folder / 'tables' / TABLE)
    table.with_manifest(weights_sha256='x').save(folder / 'tables' / TABLE)
    (found,) = check_folder(folder)
    assert f'{TABLE} has another weights_sha256 than results.json: it belongs to' in found


def test_other_images_under_the_right_name(folder):
    table = DetectionTable.load(folder / 'tables' / TABLE)
    replace(table, picture=table.picture[::-1]).save(folder / 'tables' / TABLE)
    (found,) = check_folder(folder)
    assert f'{TABLE} holds other images than results.json says' in found


def test_a_table_that_is_missing(folder):
    (folder / 'tables' / TABLE).unlink()
    (found,) = check_folder(folder)
    assert f'{TABLE} is not a readable detection table' in found


def test_calibration_on_the_test_split(folder, detector):
    results = read_results(folder / 'results.json')
    test = detector.result.test
    same = replace(
        results.detectors[0], calibration=SplitRecord('calibration', test.samples, test.sha256)
    )
    write_results(replace(results, detectors=[same]), folder / 'results.json')
    for one in detector.scales:
        name = f'net_calibration_{one.scale[0]}x{one.scale[1]}.npz'
        one.test.with_manifest(split='calibration').save(folder / 'tables' / name)
    found = check_folder(folder)
    assert any('the calibration split is the test split' in problem for problem in found)
    assert any('are the same samples' in problem for problem in found)
