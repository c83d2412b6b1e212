"""Detectors made ready to be timed: scales of the command line, of a report, of the config."""

import dataclasses

import pytest
import torch

from benchmarks.detection.timed_detectors import load_timed_detectors
from benchmarks.results import write_results
from benchmarks.run_records import FileRecord, SplitRecord
from benchmarks.trained_model import load_trained_model
from dynp_plugins.errors import UserError
from tests.reports.made_up_detectors import made_up_detection, made_up_detector

from .tiny_runs import write_detector, write_scenes


@pytest.fixture(scope='module')
def folder(tmp_path_factory):
    path = tmp_path_factory.mktemp('tiny')
    write_scenes(path / 'data')
    return path


@pytest.fixture(scope='module')
def model(folder):
    return load_trained_model(*write_detector(folder, folder / 'data'))


@pytest.fixture(scope='module')
def alike(folder):
    """Another detector for the same images."""
    return load_trained_model(*write_detector(folder, folder / 'data', name='alike'))


def report(folder, model, sizes=(48, 64), images=6, **changes):
    """A report that knows the model at the scales (72, 48) and (96, 64)."""
    ours = {'config': model.config_record, 'checkpoint': model.checkpoint_record}
    detector = made_up_detector(model.name, sizes=sizes, **ours | changes)
    detector = dataclasses.replace(detector, test=SplitRecord('test', images, '0' * 64))
    folder.mkdir(exist_ok=True)
    write_results(made_up_detection(detector), folder / 'results.json')
    return folder


def test_scales_of_the_command_line(model):
    small, large = load_timed_detectors([model], ['48', '96x64'])
    assert (small.scale, large.scale) == ((64, 48), (96, 64))
    assert small.detector is large.detector is model.detector
    assert small.weights_sha256 == model.checkpoint_record.sha256
    assert small.config_sha256 == model.config_record.sha256
    # padded to multiples of 32; the images are 48 x 64, 80 x 40 and 64 x 48 wide and high
    sizes = [tuple(image.inputs.shape) for image in small.images]
    assert sizes == [(1, 3, 64, 64), (1, 3, 32, 64), (1, 3, 64, 64)] * 2
    assert [tuple(image.inputs.shape[2:]) for image in large.images][:2] == [(96, 64), (64, 96)]
    assert small.index == large.index == [*range(6)]
    shown = small.images[0].sample
    assert shown.ori_shape == (64, 48)
    assert small.images[0].inputs.dtype == torch.float32


def test_scales_of_the_config(model):
    (own,) = load_timed_detectors([model])
    assert own.scale == (64, 48)


def test_scales_of_a_report(model, tmp_path):
    folder = report(tmp_path / 'r', model)
    assert [one.scale for one in load_timed_detectors([model], (), folder)] == [(72, 48), (96, 64)]
    (typed,) = load_timed_detectors([model], ['32'], folder)  # what is typed goes before
    assert typed.scale == (43, 32)


def test_images_are_spread_over_the_split_and_shared(model, alike):
    one, other = load_timed_detectors([model, alike], ['48'], images=3)
    assert one.index == [0, 2, 5]
    assert other.images is one.images
    assert other.source is one.source
    assert one.detector is not other.detector
    preprocessor = one.source.preprocessor
    one.prepared(torch.device('cpu'), torch.bfloat16, channels_last=False)
    assert preprocessor.mean.dtype == torch.float32  # it is no part of what is timed


def test_reports_that_do_not_fit(model, tmp_path):
    with pytest.raises(UserError, match=r'no nowhere/results.json .*--out nowhere.*--scales'):
        load_timed_detectors([model], (), 'nowhere')
    other = report(tmp_path / 'other', model, checkpoint=FileRecord('x.pth', 'f' * 64))
    with pytest.raises(UserError, match=r'does not know tiny with this config and these weights'):
        load_timed_detectors([model], (), other)
    more = report(tmp_path / 'more', model, images=7)
    with pytest.raises(UserError, match=r'of tiny has 6 images, and 7 in .*the data have changed'):
        load_timed_detectors([model], (), more)


def test_scales_that_cannot_be(model):
    with pytest.raises(UserError, match=r'11x8 is smaller than the largest stride'):
        load_timed_detectors([model], ['8'])
