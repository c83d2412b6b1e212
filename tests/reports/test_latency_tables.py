"""Measured times as text."""

import dataclasses
import re

import pytest

from benchmarks.detection_records import DetectorLatency
from benchmarks.latency_records import LATENCY_VERSION, LatencyFile
from reports.latency_data import data_balance, data_finding
from reports.latency_tables import latency_text

from .made_up_detectors import made_up_detector
from .made_up_latency import made_up_data, made_up_timing
from .made_up_results import made_up_model, static_model


def text(*models, kind='cpu'):
    context = made_up_timing(models, kind)
    timed = [model.latency for model in models]
    return latency_text(
        LatencyFile(LATENCY_VERSION, 'now', 'cmd', context.machine, 2, 40, timed, context.ratios)
    )


def with_first_run(model, **changes):
    """The model with something changed of its first run with early exits."""
    latency = model.latency
    first, *others = latency.batches
    runs = [dataclasses.replace(first.dynamic[0], **changes), *first.dynamic[1:]]
    batches = [dataclasses.replace(first, dynamic=runs), *others]
    return dataclasses.replace(model, latency=dataclasses.replace(latency, batches=batches))


def row(lines, start):
    return next(line for line in lines if line.strip().startswith(start)).split()


def test_every_number_is_in_its_place():
    model = made_up_model('mine')
    shown = text(model, static_model())
    headline, one, many, *_ = shown.split('\n\n')
    assert headline.startswith(
        'Example Processor 9000, 2 threads, float32, contiguous, eager, load 0.21'
    )
    assert one.startswith('mine, one image at a time\n')
    assert many.startswith('mine, batches of 64\n')
    batch, lines = model.latency.batches[1], many.splitlines()
    exit, timing = batch.exits[1], batch.exits[1].timing
    assert row(lines, 'latent') == [
        'latent',
        f'{1e3 * exit.gmacs:.2f}',
        f'{timing.ms_per_image:.4f}',
        f'{timing.images_per_second:.0f}',
        f'{timing.p50_ms:.2f}',
        f'{timing.p90_ms:.2f}',
        f'{timing.p99_ms:.2f}',
        f'{timing.peak_memory_mb:.1f}',
    ]
    run = batch.dynamic[0]
    found = row(lines, f'target {1e3 * run.target_gmacs:.2f}')
    assert found[2] == f'{1e3 * run.gmacs_mean:.2f}'
    low, high = run.realised_interval.low, run.realised_interval.high
    assert found[9:] == [
        f'{run.realised_speedup:.2f}x',
        *f'{low:.2f} to {high:.2f}'.split(),
        f'{run.predicted_speedup:.2f}x',
        f'{batch.exits[-1].gmacs / run.gmacs_mean:.2f}x',
        f'{100 * run.realised_speedup * run.gmacs_mean / batch.exits[-1].gmacs - 0.5:.0f}',
        *['%', '0', 'of', '320'],
    ]


def test_models_against_each_other():
    one, other = made_up_model('mine'), static_model()
    *_, last = text(one, other).split('\n\n')
    title, *rows = last.splitlines()
    assert title.split()[:6] == ['full', 'network:', 'time', 'of', 'A', '/']
    ratios = made_up_timing([one, other]).ratios
    for line, ratio in zip(rows, ratios, strict=True):
        low, high = ratio.interval.low, ratio.interval.high
        assert line.split() == [
            *('mine', '/', other.name, str(ratio.batch_size), f'{ratio.ratio:.2f}'),
            *(f'{low:.2f}', 'to', f'{high:.2f}'),
        ]


def test_columns_stand_below_each_other():
    for block in text(made_up_model('mine'), static_model()).split('\n\n')[1:]:
        for table in re.split('  (?:each at its own exit|Reading and preparing)', block)[:1]:
            rows = [line for line in table.splitlines() if line.startswith('  ')]
            assert len({len(line) for line in rows}) == 1


def test_one_exit_and_unknown_memory():
    model = static_model()
    batches = [
        dataclasses.replace(
            batch,
            exits=[
                dataclasses.replace(
                    exit, timing=dataclasses.replace(exit.timing, peak_memory_mb=None)
                )
                for exit in batch.exits
            ],
        )
        for batch in model.latency.batches
    ]
    model = dataclasses.replace(model, latency=dataclasses.replace(model.latency, batches=batches))
    shown = text(model)
    assert 'each at its own exit' not in shown and 'full network: time of A' not in shown
    (name,) = (exit.name for exit in model.exits)
    assert row(shown.splitlines(), name)[-1] == '-'


def test_policies_and_disagreements_are_named():
    model = with_first_run(
        made_up_model('mine'), policy='some/where/careful.json', disagreements=5, near_threshold=3
    )
    line = next(line for line in text(model).splitlines() if 'careful.json' in line)
    assert line.endswith('5 of 320 (3 at a threshold)')
    assert 'some/where' not in line


def test_names_cannot_break_the_lines():
    shown = text(made_up_model('two\nlines \x1b[31m' + 'x' * 300))
    assert '\x1b' not in shown
    assert len(shown.split('\n\n')) == 4
    assert all(len(line) < 200 for line in shown.splitlines())


def test_a_gpu_has_no_threads():
    assert text(made_up_model('mine'), kind='cuda').startswith('Example Accelerator X100, float32')


def with_data(model, **changes):
    return dataclasses.replace(model, latency=dataclasses.replace(model.latency, **changes))


def test_reading_stands_beside_the_full_network():
    model = made_up_model('mine')
    _, _, _, block = text(model).split('\n\n')
    title, *lines = block.splitlines()
    assert title == 'mine, from the file to the network: 64 images, 5 passes'
    assert row(lines, 'reading')[1:] == ['0.210', '0.189', '0.252']
    assert row(lines, 'other steps')[2:] == ['0.350', '0.315', '0.420']
    assert row(lines, 'data preprocessor')[2:] == ['0.0420', '0.0378', '0.0504']
    timing = model.latency.batches[0].exits[-1].timing
    assert row(lines, 'full network, one image at a time')[-3:] == [
        f'{value:.2f}' for value in (timing.ms_per_image, timing.p50_ms, timing.p90_ms)
    ]
    said = ' '.join(' '.join(lines).split())
    assert f'{data_finding(data_balance(model.latency))}.' in said
    assert 'Reading: LoadImageFromFile. Other steps: ResizeEdge, CenterCrop, PackInputs.' in said
    assert 'warm file cache' in said and 'one process, without a data loader' in said


def test_a_batch_has_no_percentiles_of_one_sample():
    model = made_up_model('mine')
    model = with_data(model, batches=model.latency.batches[1:])
    *_, block = text(model).split('\n\n')
    timing = model.latency.batches[0].exits[-1].timing
    assert row(block.splitlines(), 'full network, in batches of 64')[-3:] == [
        f'{timing.ms_per_image:.4f}',
        *('-', '-'),
    ]


def test_nothing_is_said_of_reading_that_was_not_timed():
    shown = text(with_data(made_up_model('mine'), data=None))
    assert 'from the file' not in shown and 'Reading' not in shown


def test_videos_are_called_videos():
    data = made_up_data(30.0, 3.0, steps=('OpenVideo', 'DecodeVideo'))
    shown = text(with_data(made_up_model('mine'), input_shape=[8, 3, 48, 48], data=data))
    assert 'mine, one video at a time' in shown and 'every video at' in shown
    assert 'ms/video' in shown and 'videos/s' in shown and 'ms for one video' in shown
    assert '64 videos, 5 passes' in shown and 'Reading: OpenVideo, DecodeVideo.' in shown
    assert 'image' not in shown


def test_less_than_one_video_a_second():
    model = made_up_model('mine')
    first, *others = model.latency.batches
    slow = dataclasses.replace(first.exits[0].timing, ms_per_image=2500.0, images_per_second=0.4)
    exits = [dataclasses.replace(first.exits[0], timing=slow), *first.exits[1:]]
    batches = [dataclasses.replace(first, exits=exits), *others]
    lines = text(with_data(model, batches=batches)).splitlines()
    assert row(lines, 'early')[2:4] == ['2500', '0.400']


def detector_text(*detectors, models=(), **changes):
    """Of detectors whose points were timed."""
    timed = [
        DetectorLatency(one.name, 'config', 'weights', [point.latency for point in one.points])
        for one in detectors
    ]
    context = made_up_timing([made_up_model()], 'cpu')
    record = LatencyFile(
        *(LATENCY_VERSION, 'now', 'cmd', context.machine, 2, 40),
        models=[model.latency for model in models],
        ratios=[],
        detectors=timed,
    )
    return latency_text(dataclasses.replace(record, **changes))


def test_detectors_stand_below_the_models():
    detector = made_up_detector('mine', sizes=(128, 256))
    headline, block = detector_text(detector).split('\n\n')
    assert headline.startswith('Example Processor 9000')
    title, *lines = block.splitlines()
    assert title == 'mine, one image at a time, to the boxes'
    assert lines[0].split('  ')[-1].strip() == 'images'
    assert len({len(line) for line in lines}) == 1
    for point, line in zip(detector.points, lines[1:], strict=True):
        timing, parts = point.latency.timing, point.latency.parts_ms
        found = line.split()
        assert found[0] == 'x'.join(map(str, point.scale))
        assert float(found[1]) == pytest.approx(timing.ms_per_image, rel=5e-3)
        assert float(found[3]) == pytest.approx(timing.p50_ms, rel=5e-3)
        expected = [parts[part] for part in ('backbone', 'neck', 'head')]
        assert [float(word) for word in found[7:10]] == pytest.approx(expected, rel=5e-3)
        assert found[10] == str(point.latency.images)
    both = detector_text(detector, models=[made_up_model('a classifier')]).split('\n\n')
    assert [text.split(',')[0] for text in both[1:]] == ['a classifier'] * 3 + ['mine']


def test_how_images_of_detectors_are_made_ready():
    detector = made_up_detector('mine', sizes=(128, 256))
    first, second = detector.points
    data = made_up_data(30.0, 3.0)
    timed = dataclasses.replace(first, latency=dataclasses.replace(first.latency, data=data))
    lines = detector_text(dataclasses.replace(detector, points=[timed, second])).splitlines()
    start = next(i for i, line in enumerate(lines) if 'before that, mean ms at' in line)
    means = [data.reading.mean_ms, data.transforms.mean_ms, data.preprocessing.mean_ms]
    scale, *found = lines[start + 1].split()
    assert scale == '192x128'
    assert [float(word) for word in found] == pytest.approx(means, rel=5e-3)
    assert lines[start + 2].strip().startswith('Taken one at a time')  # nothing of the second scale
