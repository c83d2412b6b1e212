"""``tools/benchmark.py`` on detectors, as a user types it."""

import dataclasses

import pytest
import torch

from benchmarks.data_time import PASSES
from benchmarks.latency_records import read_latency
from benchmarks.results import read_results, with_latency, write_results
from benchmarks.run_records import SplitRecord
from benchmarks.trained_model import load_trained_model
from tests.benchmarks.detection.tiny_runs import write_detector, write_scenes
from tests.reports.made_up_detectors import made_up_detection, made_up_detector
from tests.tools.command_lines import CONFIG, refused

QUICK = ('--rounds', '5', '--warmup', '1', '--seconds', '0', '--threads', '1')


@pytest.fixture(scope='module')
def trained(tmp_path_factory):
    """Config and checkpoint."""
    folder = tmp_path_factory.mktemp('tiny')
    write_scenes(folder / 'data')
    return write_detector(folder, folder / 'data')


@pytest.fixture(autouse=True)
def same_threads():
    """The tool may change how many threads this process has."""
    threads = torch.get_num_threads()
    yield
    torch.set_num_threads(threads)


def test_a_detector_is_timed_at_the_scales_of_its_report(run, trained, tmp_path):
    model = load_trained_model(*trained)
    known = made_up_detector(
        'tiny', sizes=(48, 64), config=model.config_record, checkpoint=model.checkpoint_record
    )
    known = dataclasses.replace(known, test=SplitRecord('test', 6, '0' * 64))
    (tmp_path / 'r').mkdir()
    write_results(made_up_detection(known), tmp_path / 'r/results.json')
    options = ('--tables', 'r', '--out', 'l.json', '--data-samples', '2', *QUICK)
    status, out, error = run('benchmark', *trained, *options)
    assert status == 0, error
    assert out.rstrip().endswith('l.json')
    assert 'tiny, one image at a time, to the boxes' in out
    assert '72x48' in out and '96x64' in out
    record = read_latency(tmp_path / 'l.json')
    assert (record.models, record.ratios) == ([], [])
    assert (record.rounds, record.warmup_rounds, record.machine.threads) == (5, 1, 1)
    (detector,) = record.detectors
    assert detector.weights_sha256 == model.checkpoint_record.sha256
    assert [point.scale for point in detector.points] == [[72, 48], [96, 64]]
    for point in detector.points:
        assert point.images == 4  # those of the one warm-up round
        assert len(point.timing.samples_ms) == 5 * 4
        assert min(point.parts_ms.values()) > 0
        assert sum(point.parts_ms.values()) == pytest.approx(point.timing.p50_ms, rel=0.5)
        assert (point.data.samples, point.data.passes) == (2, PASSES)
        assert point.data.reading_steps == ['LoadImageFromFile', 'LoadAnnotations']
        assert point.data.transform_steps == ['Resize', 'PackDetInputs']
    joined = with_latency(read_results(tmp_path / 'r/results.json'), record, 'l.json')
    assert [point.latency for point in joined.detectors[0].points] == detector.points


def test_options_that_make_no_sense(run, trained, tmp_path):
    command = ('benchmark', *trained, '--out', 'l.json', *QUICK)
    refused(run(*command, '--tables', 'nowhere'), 'no nowhere/results.json', '--scales')
    refused(run(*command, '--scales', '8'), '11x8 is smaller than the largest stride')
    refused(run(*command, '--scales', 'wide'), "scale 'wide': write LONGxSHORT")
    refused(run(*command, '--scales', '48', '--device', 'gpu'), '--device gpu cannot be used')
    assert list(tmp_path.iterdir()) == []


def test_classifiers_need_tables_and_have_no_scales(run, checkpoint, tmp_path):
    command = ('benchmark', CONFIG, checkpoint, '--out', 'l.json', *QUICK)
    refused(run(*command), 'give --tables DIR', 'dyn-perceiver_regnety-tiny_digits')
    refused(run(*command, '--tables', 'r', '--scales', '48'), '--scales is for detectors')
