"""A small detector from its config to its operating points."""

from dataclasses import replace

import numpy as np
import pytest

from benchmarks.detection.detector_curve import DetectorSettings, measure_detector
from benchmarks.detection.part_costs import detector_costs
from benchmarks.detection.table import detection_table_name
from benchmarks.results import DETECTION
from benchmarks.trained_model import TrainedDetector, classifiers_and_detectors, load_trained_models
from dynp_plugins import UserError
from tests.benchmarks.detection.tiny_runs import write_detector, write_scenes


@pytest.fixture(scope='module')
def folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp('detector')
    write_scenes(folder / 'data', {'calibration': 4, 'test': 3})
    return folder


@pytest.fixture(scope='module')
def model(folder):
    text = 'test_scales = [(64, 64), (32, 32)]'
    (model,) = load_trained_models(write_detector(folder, folder / 'data', text=text))
    return model


@pytest.fixture(scope='module')
def measured(model):
    return measure_detector(model)


def other(model, **entries):
    """The same model with other entries in its config."""
    config = model.config.copy()
    config.merge_from_dict(entries)
    return replace(model, config=config)


def test_what_is_known_of_it(model, measured):
    assert classifiers_and_detectors([model]) == ([], [model])
    assert isinstance(model, TrainedDetector)
    result = measured.result
    assert (result.name, result.task, result.detector) == ('tiny', DETECTION, 'RetinaNet')
    assert result.backbone == 'DynPerceiver regnety_tiny'
    assert result.dataset.startswith('CocoFiles ')
    assert result.weights == 'raw'
    assert result.training is None
    assert result.classes == ['ant', 'bee', 'cat']
    assert (result.calibration.samples, result.test.samples) == (4, 3)
    assert result.parameters == sum(p.numel() for p in model.detector.parameters())


def test_the_scales_of_the_config_by_rising_cost(measured):
    assert [point.scale for point in measured.result.points] == [[32, 32], [64, 64]]
    assert [one.scale for one in measured.scales] == [(32, 32), (64, 64)]
    cheap, dear = measured.result.points
    assert cheap.gmacs_mean < dear.gmacs_mean
    assert cheap.chosen
    assert measured.result.gallery.scale == list(measured.best.scale)


def test_costs_are_those_of_the_padded_images(model, measured):
    """Of the larger scale most images fill 64x64 once padded, those of 80x40 only 32x64."""
    sizes = {(64, 64), (32, 64)}
    expected = {
        tuple(part.cost.macs for part in detector_costs(model.detector, size).parts)
        for size in sizes
    }
    assert {tuple(row) for row in measured.scales[1].test.macs.tolist()} == expected
    point = measured.result.points[1]
    total = measured.scales[1].test.macs.sum(1) / 1e9
    assert point.gmacs_mean == pytest.approx(np.mean(total))
    assert point.gmacs_mean == pytest.approx(sum(part.gmacs_mean for part in point.parts))
    assert all(part.with_norm_gmacs_mean > part.gmacs_mean for part in point.parts[:1])


@pytest.fixture
def passes(measured, monkeypatch):
    """Passes answer with the tables of before, or what a test puts there; the list of passes."""
    ran, answers = [], {}
    for table in measured.tables:
        answers[table.manifest['split'], tuple(table.manifest['scale'])] = table

    def answer(detector, loader, split, scale, costs):
        ran.append((split, scale))
        return answers[split, scale]

    monkeypatch.setattr('benchmarks.detection.detector_curve.run_detection_pass', answer)
    return ran, answers


def save(table, folder):
    manifest = table.manifest
    table.save(folder / detection_table_name('tiny', manifest['split'], manifest['scale']))


def test_tables_are_reused_where_nothing_has_changed(model, measured, passes, tmp_path):
    ran, _ = passes
    for table in measured.tables:
        save(table, tmp_path)
    reusing = DetectorSettings(tables=tmp_path)
    assert measure_detector(model, reusing).result == measured.result
    assert ran == []
    (tmp_path / 'tiny_calibration_32x32.npz').unlink()
    save(measured.scales[1].test.with_manifest(weights_sha256='other'), tmp_path)
    assert measure_detector(model, reusing).result == measured.result
    assert ran == [('test', (64, 64)), ('calibration', (32, 32))]


def test_reused_scales_of_results_that_cannot_be_read(model, passes, tmp_path):
    (tmp_path / 'results.json').write_text('{')
    reusing = DetectorSettings(tables=tmp_path / 'tables')
    with pytest.raises(UserError, match=r'results.json.*give --scales, or leave out --reuse'):
        measure_detector(model, reusing)
    assert measure_detector(model, replace(reusing, scales=['64x64'])).result.points


def test_tables_of_data_that_have_changed(model, measured, passes, tmp_path):
    table = measured.scales[0].test
    save(replace(table, true_boxes=table.true_boxes + 1), tmp_path)
    with pytest.raises(UserError, match='test split at 32x32 has other images or objects'):
        measure_detector(model, DetectorSettings(tables=tmp_path))


def test_what_is_refused_before_anything_runs(model, passes):
    def refused(message, settings=None, **entries):
        with pytest.raises(UserError, match=message):
            measure_detector(other(model, **entries), settings)

    refused('no calibration split, and scales are never', calibration_dataloader=None)
    refused(
        '20x15 is smaller than the largest stride of the backbone, 16', DetectorSettings(['15'])
    )
    refused('no backend', DetectorSettings(metrics='coco'))
    assert passes[0] == []


def test_the_same_split_twice(model, passes):
    _, answers = passes
    answers['calibration', (64, 64)] = answers['test', (64, 64)]
    with pytest.raises(UserError, match='are the same samples: 3 of the 3 test'):
        measure_detector(model)


def test_calibration_data_without_objects(model, passes):
    _, answers = passes
    table = answers['calibration', (64, 64)]
    answers['calibration', (64, 64)] = replace(table, crowd=np.ones_like(table.crowd))
    with pytest.raises(UserError, match=r'calibration split of config .* has no object'):
        measure_detector(model)
