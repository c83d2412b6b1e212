"""The results schema: round trip, and what is refused."""

import dataclasses
import json

import pytest

from benchmarks.detection_records import DetectorLatency
from benchmarks.latency_records import LATENCY_VERSION, LatencyFile, read_latency, write_latency
from benchmarks.results import read_results, with_latency, write_results
from dynp_plugins import UserError, typed_json
from tests.benchmarks.measured import measured_model, results_of
from tests.reports.made_up_detectors import made_up_detection, made_up_detector
from tests.reports.made_up_results import three_models, video_models


@pytest.fixture(scope='module')
def results():
    return three_models()


@pytest.fixture
def path(results, tmp_path):
    write_results(results, tmp_path / 'results.json')
    return tmp_path / 'results.json'


def test_round_trip_of_everything_a_report_can_hold(results, path):
    assert results.models[0].gallery and results.models[0].latency and results.timing
    assert read_results(path) == results


def test_round_trip_of_videos(tmp_path):
    videos = video_models()
    write_results(videos, tmp_path / 'r.json')
    again = read_results(tmp_path / 'r.json')
    assert again == videos
    first = again.models[0]
    assert (first.task, first.input_shape) == ('action recognition', [16, 3, 64, 64])
    assert [model.frames_per_clip for model in again.models] == [8, 8, 1]
    assert {picture.frames for picture in first.gallery.pictures} == {4}


def test_round_trip_of_as_little_as_it_can_hold(tmp_path):
    little = results_of(measured_model(exits=1))
    write_results(little, tmp_path / 'r.json')
    assert read_results(tmp_path / 'r.json') == little


def edit(path, change):
    content = json.loads(path.read_text())
    change(content)
    path.write_text(json.dumps(content))


@pytest.mark.parametrize(
    ('change', 'message'),
    [
        (lambda c: c.update(schema_version=99), r'version 99, this program reads 5: run tools/'),
        (lambda c: c.update(schema_version=3), r'version 3, this program reads 5: run tools/'),
        (lambda c: c.pop('models'), r'results\.models is missing'),
        (lambda c: c['models'][0].update(extra=1), r'results\.models\[0\]\.extra is unknown'),
        (
            lambda c: c['models'][0]['exits'][0].update(gmacs='0.5'),
            r"models\[0\]\.exits\[0\]\.gmacs is '0\.5', expected float",
        ),
        (lambda c: c['models'][0].update(parameters=True), r'parameters is True, expected int'),
        (
            lambda c: c['models'][0]['gallery']['pictures'][0].update(right=1),
            r'pictures\[0\]\.right is 1, expected bool',
        ),
        (lambda c: c['models'][0].pop('frames_per_clip'), r'frames_per_clip is missing'),
        (
            lambda c: c['models'][0]['exits'][1].update(mean_class_percent=None),
            r'exits\[1\]\.mean_class_percent is None, expected float',
        ),
        (
            lambda c: c['models'][0]['points'][1]['top1_interval'].pop('high'),
            r'points\[1\]\.top1_interval\.high is missing',
        ),
    ],
)
def test_wrong_content_is_named(path, change, message):
    edit(path, change)
    with pytest.raises(UserError, match=message):
        read_results(path)


def test_whole_numbers_may_stand_for_floats(path):
    edit(path, lambda c: c['models'][0]['points'][0].update(gmacs_mean=1))
    assert read_results(path).models[0].points[0].gmacs_mean == 1.0


def test_not_json(tmp_path):
    (tmp_path / 'x.json').write_text('{')
    with pytest.raises(UserError, match='is not a results file'):
        read_results(tmp_path / 'x.json')


def test_nan_is_never_written(results, path):
    before = path.read_text()
    broken = dataclasses.replace(results.models[0].exits[0], gmacs=float('nan'))
    model = dataclasses.replace(results.models[0], exits=[broken])
    with pytest.raises(ValueError, match='Out of range float'):
        write_results(dataclasses.replace(results, models=[model]), path)
    assert path.read_text() == before


def test_a_failed_write_leaves_the_old_file(results, path, monkeypatch):
    before = path.read_text()
    monkeypatch.setattr(typed_json.Path, 'write_text', lambda *_, **__: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        write_results(results, path)
    assert path.read_text() == before
    assert [p.name for p in path.parent.iterdir()] == ['results.json']


@pytest.fixture
def latency(results):
    timing = results.timing
    return LatencyFile(
        schema_version=LATENCY_VERSION,
        created=timing.created,
        command=timing.command,
        machine=timing.machine,
        warmup_rounds=2,
        rounds=10,
        models=[model.latency for model in results.models],
        ratios=timing.ratios,
    )


def test_times_are_joined_to_the_models_with_these_weights(results, latency, tmp_path):
    untimed = [dataclasses.replace(model, latency=None) for model in results.models]
    untimed = dataclasses.replace(results, models=untimed, timing=None)
    assert with_latency(untimed, latency, 'l.json') == results
    first = dataclasses.replace(latency, models=latency.models[:1])
    joined = with_latency(untimed, first, 'l.json')
    assert [model.latency is None for model in joined.models] == [False, True, True]


def test_times_of_other_weights_are_refused(results, latency):
    others = [dataclasses.replace(m, weights_sha256='x') for m in latency.models]
    with pytest.raises(UserError, match=r'l\.json holds times of .* none of these models'):
        with_latency(results, dataclasses.replace(latency, models=others), 'l.json')


def scale_latencies(detector, **changes):
    """What ``tools/benchmark.py`` wrote of a detector's points."""
    points = [point.latency for point in detector.points]
    key = (detector.name, detector.config.sha256, detector.checkpoint.sha256)
    return dataclasses.replace(DetectorLatency(*key, points), **changes)


def untimed_points(detector):
    points = [dataclasses.replace(point, latency=None) for point in detector.points]
    return dataclasses.replace(detector, points=points)


def test_times_are_joined_to_the_scales_of_detectors(latency):
    one, other = (made_up_detector(name, sizes=(128, 256, 320)) for name in ('one', 'other'))
    untimed = made_up_detection(*map(untimed_points, (one, other)), timing=None)
    timed = dataclasses.replace(latency, models=[], ratios=[])
    of_one = scale_latencies(one, points=[point.latency for point in one.points[:2]])
    joined = with_latency(
        untimed, dataclasses.replace(timed, detectors=[of_one, scale_latencies(other)]), 'l.json'
    )
    assert joined.timing.machine == latency.machine
    assert joined.detectors[1] == other
    assert [point.latency for point in joined.detectors[0].points] == [*of_one.points, None]
    assert [point.scale for point in of_one.points] == [p.scale for p in one.points[:2]]


def test_times_of_a_scale_that_was_not_measured_are_left_out_with_a_warning(latency, caplog):
    timed = made_up_detector('mine', sizes=(128, 256))
    fewer = dataclasses.replace(timed, points=timed.points[1:])
    results = made_up_detection(untimed_points(fewer), timing=None)
    record = dataclasses.replace(latency, models=[], detectors=[scale_latencies(timed)])
    assert with_latency(results, record, 'l.json').detectors == [fewer]
    (warning,) = caplog.messages
    assert 'mine was timed at 192x128, but the report' in warning and '--scales' in warning


def test_times_of_no_scale_of_any_detector_are_refused(latency):
    detector = made_up_detector('mine', sizes=(128, 256))
    results = made_up_detection(untimed_points(detector), timing=None)
    timed = dataclasses.replace(latency, models=[])
    elsewhere = [dataclasses.replace(p.latency, scale=[100, 100]) for p in detector.points[:1]]
    for wrong in (
        scale_latencies(detector, points=elsewhere),
        scale_latencies(detector, weights_sha256='x'),
        scale_latencies(detector, config_sha256='x'),
    ):
        with pytest.raises(UserError, match=r'l.json holds times of mine at (192x128|100x100)'):
            with_latency(results, dataclasses.replace(timed, detectors=[wrong]), 'l.json')


def test_a_latency_file_round_trip(latency, tmp_path):
    detectors = [scale_latencies(made_up_detector())]
    latency = dataclasses.replace(latency, detectors=detectors)
    write_latency(latency, tmp_path / 'latency.json')
    assert read_latency(tmp_path / 'latency.json') == latency
    (tmp_path / 'latency.json').write_text('{"schema_version": 9}')
    with pytest.raises(UserError, match='latency schema version 9, this program reads 2'):
        read_latency(tmp_path / 'latency.json')
