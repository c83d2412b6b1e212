"""Times of exits and of early exit, on networks whose steps take invented time."""

import json
import logging
from dataclasses import replace

import numpy as np
import pytest
import torch

from benchmarks.contestants import ROUND_IMAGES, Contestant, run_to_exit
from benchmarks.latency import disagreements, measure_latency
from benchmarks.latency_records import (
    LATENCY_VERSION,
    LatencyFile,
    read_latency,
    write_latency,
)
from benchmarks.machine import machine_record
from benchmarks.timing import RoundLimits, WallClock
from benchmarks.timing_records import DataTime, StageTime
from dynp_plugins.early_exit import NEVER, choose_exits, group_consensus
from dynp_plugins.errors import UserError
from tests.benchmarks.invented_model import (
    EXITS,
    GMACS,
    InventedNetwork,
    invented_model,
    invented_table,
)

CPU = torch.device('cpu')


@pytest.fixture
def stage(monkeypatch):
    """A log of all that runs, invented time, and no memory measurement."""
    monkeypatch.setattr('benchmarks.latency.peak_memory_mb', lambda run, network, images: 7.0)
    return Stage()


class Stage:
    def __init__(self):
        self.log, self.now = [], [0.0]

    def network(self, **settings):
        return InventedNetwork(self.log, self.now, **settings)

    def measure(self, models, batch_sizes=(8,), rounds=5, warmup=1):
        clock = WallClock(lambda: self.now[0])
        return measure_latency(models, batch_sizes, RoundLimits(rounds, warmup), CPU, clock)


def test_times_of_the_exits(stage):
    """An image takes 1, 2 and 4 s up to the exits, a step half a second for every batch."""
    (latency,), ratios = stage.measure([invented_model(stage.network(overhead=0.5))], (1, 20))
    one, many = latency.batches
    for batch, per_round in ((one, ROUND_IMAGES), (many, 1)):
        assert [exit.exit for exit in batch.exits] == list(EXITS)
        assert [exit.gmacs for exit in batch.exits] == list(GMACS)
        for k, exit in enumerate(batch.exits):
            whole = 1000 * (batch.batch_size * GMACS[k] + 0.5 * (k + 1))
            assert exit.timing.p50_ms == pytest.approx(whole)
            assert exit.timing.p99_ms == pytest.approx(whole)
            assert exit.timing.ms_per_image == pytest.approx(whole / batch.batch_size)
            assert exit.timing.batches_per_round == per_round
            assert len(exit.timing.samples_ms) == 5 * per_round
            assert exit.timing.peak_memory_mb == 7.0
    assert (latency.name, latency.input_shape, latency.measure) == ('net', [3, 2, 3], 'max_softmax')
    assert ratios == []


@pytest.mark.parametrize('batch_size', [1, 8, 40])
def test_without_overhead_the_prediction_comes_true(stage, batch_size):
    model = invented_model(stage.network(), thresholds=(0.9, 0.8))
    (latency,), _ = stage.measure([model], (batch_size,))
    (batch,) = latency.batches
    assert [run.target_gmacs for run in batch.dynamic[:2]] == [2.0, 3.0]
    assert [run.policy for run in batch.dynamic] == [None, None, 'mine.json']
    assert [run.method for run in batch.dynamic] == ['geometric', 'geometric', 'by hand']
    for run, timed in zip(batch.dynamic, model.policies, strict=True):
        assert sum(run.exit_shares.values()) == pytest.approx(1)
        assert run.gmacs_mean == pytest.approx(np.dot(list(run.exit_shares.values()), GMACS))
        # A second per GMAC: all quotients are those of the costs.
        assert run.predicted_ms_per_image == pytest.approx(1000 * run.gmacs_mean)
        assert run.predicted_speedup == pytest.approx(4 / run.gmacs_mean)
        mean = np.mean(run.timing.samples_ms) / batch_size
        assert mean == pytest.approx(1000 * run.gmacs_mean)
        interval = run.realised_interval
        assert interval.low <= run.realised_speedup <= interval.high
        assert interval.low <= run.predicted_speedup <= interval.high
        assert run.disagreements == run.near_threshold == 0
        assert run.thresholds == timed.policy.thresholds_by_exit
    assert batch.dynamic[2].target_gmacs == model.policies[2].policy.expected.gmacs_mean


def test_with_all_images_in_a_round_the_prediction_is_exact(stage):
    (latency,), _ = stage.measure([invented_model(stage.network())], (40,))
    for run in latency.batches[0].dynamic:
        assert run.images == 40
        assert run.realised_speedup == pytest.approx(run.predicted_speedup)
        assert run.realised_interval.low == pytest.approx(run.realised_interval.high)


def test_overhead_is_realised_and_not_predicted(stage):
    """Every step takes ten seconds more for any batch: early exit saves images, not steps."""
    (latency,), _ = stage.measure([invented_model(stage.network(overhead=10.0))], (40,))
    whole = 40 * 4 + 3 * 10
    for run in latency.batches[0].dynamic:
        exits = latency.batches[0].exits
        assert run.realised_speedup == pytest.approx(whole / (40 * run.gmacs_mean + 3 * 10))
        shares = list(run.exit_shares.values())
        assert shares[2] > 0  # so that the last step runs
        predicted = np.dot(shares, [exit.timing.ms_per_image for exit in exits])
        assert run.predicted_speedup == pytest.approx(1000 * whole / 40 / predicted)
        assert run.realised_speedup < run.predicted_speedup


def test_models_run_in_turn(stage):
    one, other = (
        invented_model(stage.network(name=name), budgets=(2.0,)) for name in ('one', 'other')
    )
    stage.measure([one, other], rounds=5, warmup=2)
    starts = [name for name, step, _ in stage.log if step == 'start']
    turn = 2 * (1 + 1)  # two batches of 8; on each the whole network, then early exit
    timed = starts[: (5 + 2) * 2 * turn]
    ones, others = ['one'] * turn, ['other'] * turn
    in_warmup = (ones + others) * 2
    assert timed == in_warmup + (ones + others + others + ones) * 2 + ones + others
    first = [entry for entry in stage.log if entry[0] == 'one'][:4]
    assert first == [('one', 'start', 8), ('one', 0, 8), ('one', 1, 8), ('one', 2, 8)]


def test_ratio_of_models_whatever_else_slows_the_machine(stage):
    """The machine is ten times slower in some rounds; the ratio does not notice."""
    fast, slow, single = (
        invented_model(stage.network(name=name, seconds=seconds), budgets=())
        for name, seconds in (
            ('fast', GMACS),
            ('slow', (2.0, 3.0, 6.0)),
            ('single', (1.0, 1.0, 2.0)),
        )
    )
    turns = iter(range(1000))

    def step(k, state, previous_logits, network, original):
        if k == 0:
            number = next(turns) // 3  # three models take a turn in every round
            for model in (fast, slow, single):
                model.network.slowness = 10.0 if number % 3 == 0 else 1.0
        return original(k, state, previous_logits)

    for model in (fast, slow, single):
        network = model.network
        network.step = lambda *a, n=network, o=network.step: step(*a, network=n, original=o)
    _, ratios = stage.measure([fast, slow, single], (40,), rounds=6)
    assert [(r.model, r.baseline, r.batch_size) for r in ratios] == [
        ('fast', 'slow', 40),
        ('fast', 'single', 40),
        ('slow', 'single', 40),
    ]
    for ratio, expected in zip(ratios, (4 / 6, 4 / 2, 6 / 2), strict=True):
        assert ratio.ratio == pytest.approx(expected)
        assert ratio.interval.low == pytest.approx(expected)
        assert ratio.interval.high == pytest.approx(expected)


def test_batches_follow_the_split_and_begin_again(stage):
    contestant = Contestant(
        invented_model(stage.network(), count=45, budgets=(3.0,)), 10, CPU, WallClock()
    )
    assert contestant.batches == 2
    turns = [contestant(number) for number in range(3)]
    assert [turn.index[:, 0].tolist() for turn in turns] == [[0, 10], [20, 30], [0, 10]]
    assert turns[0].exits_ms.shape == (2, 3)
    assert turns[0].dynamic_ms.shape == (1, 2)
    assert turns[0].exit.shape == turns[0].prediction.shape == (1, 2, 10)
    assert np.array_equal(turns[0].exit, turns[2].exit)
    exits = np.concatenate([turn.exit[0].ravel() for turn in turns[:2]])
    policy = contestant.model.policies[0].policy
    expected = choose_exits(
        contestant.model.test.confidence('max_softmax'), np.array(policy.thresholds)
    )
    assert np.array_equal(exits, expected[:40])
    assert 0 < exits.mean() < 2  # the order matters


def test_images_run_twice_count_once(stage):
    (latency,), _ = stage.measure([invented_model(stage.network(), count=20)], (16,))
    assert {run.images for run in latency.batches[0].dynamic} == {16}


def test_only_the_exit_that_is_asked_for_runs(stage):
    model = invented_model(stage.network())
    stage.log.clear()
    run_to_exit(model, model.images[:4], 1)
    assert stage.log == [('net', 'start', 4), ('net', 0, 4), ('net', 1, 4)]


VIDEOS = {'frames': (4,)}


@pytest.mark.parametrize('batch_size', [1, 8, 40])
def test_times_of_videos_are_of_all_their_frames(stage, batch_size):
    """A frame takes 1, 2 and 4 s up to the exits; a video of four takes four times as long."""
    model = invented_model(stage.network(), **VIDEOS)
    (latency,), _ = stage.measure([model], (batch_size,))
    assert latency.input_shape == [4, 3, 2, 3]
    (batch,) = latency.batches
    for k, exit in enumerate(batch.exits):
        assert exit.timing.batch_size == batch_size
        assert exit.timing.p50_ms == pytest.approx(4000 * batch_size * GMACS[k])
        assert exit.timing.ms_per_image == pytest.approx(4000 * GMACS[k])
        assert exit.timing.images_per_second == pytest.approx(1 / 4 / GMACS[k])
    for run, timed in zip(batch.dynamic, model.policies, strict=True):
        assert run.disagreements == run.near_threshold == 0  # all frames of a video left together
        ran = 40 if batch_size == 40 else 16
        assert run.images == ran
        thresholds = np.array(timed.policy.thresholds)
        expected = choose_exits(model.test.confidence('max_softmax'), thresholds)[:ran]
        shares = np.bincount(expected, minlength=3) / ran
        assert list(run.exit_shares.values()) == pytest.approx(shares.tolist())
        assert 0 < shares.max() < 1
        assert run.timing.ms_per_image == pytest.approx(4000 * run.gmacs_mean)
        assert run.predicted_ms_per_image == pytest.approx(4000 * run.gmacs_mean)
    sizes = [size for _, _, size in stage.log]
    assert all(size % 4 == 0 for size in sizes) and max(sizes) == 4 * batch_size


def test_the_answer_of_an_exit_for_a_video_includes_the_mean_over_its_frames(stage, monkeypatch):
    """Averaging takes a tenth of a second here, at every exit; for images there is none to do."""

    def slow_consensus(logits, group_size):
        stage.now[0] += 0.1 * (group_size > 1)
        return group_consensus(logits, group_size)

    monkeypatch.setattr('benchmarks.contestants.group_consensus', slow_consensus)
    for frames, extra in (((4,), 0.1), ((), 0.0)):
        model = invented_model(stage.network(), frames=frames)
        (latency,), _ = stage.measure([model])
        count = 8 * (4 if frames else 1)
        for k, exit in enumerate(latency.batches[0].exits):
            seconds = count * GMACS[k] + (k + 1) * extra
            assert exit.timing.p50_ms == pytest.approx(1000 * seconds)


def test_a_network_that_sees_the_frames_of_a_clip_together(stage):
    """The engine takes whole clips alone, so it is to know how many images a video is."""
    network = stage.network()
    network.num_segments = 2
    (latency,), _ = stage.measure([invented_model(network, **VIDEOS)])
    assert latency.batches[0].dynamic[0].disagreements == 0
    network.num_segments = 3
    with pytest.raises(UserError, match='group_size=4'):
        stage.measure([invented_model(network, **VIDEOS)])


def test_pictures_and_videos_are_not_compared(stage):
    models = [
        invented_model(stage.network(name=name), frames=frames)
        for name, frames in (('a', ()), ('b', (4,)), ('c', ()))
    ]
    _, ratios = stage.measure(models, (8,))
    assert [(ratio.model, ratio.baseline) for ratio in ratios] == [('a', 'c')]


def test_videos_are_called_videos(stage, caplog):
    model = invented_model(stage.network(), budgets=(3.0,), **VIDEOS)
    with pytest.raises(UserError, match='a batch of 41 needs more test videos of net than the 40'):
        stage.measure([model], (41,))
    flipped = invented_table(model.images.flip(0))
    with caplog.at_level(logging.WARNING):
        stage.measure([replace(model, test=flipped)], warmup=0)
    assert ' of 40 videos leave elsewhere' in caplog.text


def test_a_model_with_one_exit_has_times_of_that_alone(stage):
    model = replace(invented_model(stage.network()), policies=[])
    (latency,), _ = stage.measure([model])
    assert latency.batches[0].dynamic == []
    assert len(latency.batches[0].exits[0].timing.samples_ms) == 10


def test_memory_of_the_largest_batch_of_a_round(stage, monkeypatch):
    """Which images leave decides on it; where it is unknown for one, it is unknown."""
    found = []

    def measured(run, network, images):
        stage.log.clear()
        run()
        found.append(stage.log[-1][1])
        return float(sum(size for _, _, size in stage.log))

    monkeypatch.setattr('benchmarks.latency.peak_memory_mb', measured)
    (latency,), _ = stage.measure([invented_model(stage.network(), budgets=(2.0,))])
    (batch,) = latency.batches
    assert found[:3] == [0, 1, 2]  # up to each exit
    assert [exit.timing.peak_memory_mb for exit in batch.exits] == [16.0, 24.0, 32.0]
    assert 16 < batch.dynamic[0].timing.peak_memory_mb <= 32

    model = invented_model(stage.network(), budgets=(2.0,))
    second_batch = model.images[8, 0, 0, 0]
    for of_second, of_round in ((5.0, 5.0), (None, None)):
        monkeypatch.setattr(
            'benchmarks.latency.peak_memory_mb',
            lambda run, network, images, of_second=of_second: (
                of_second if images[0, 0, 0, 0] == second_batch else 1.0
            ),
        )
        (latency,), _ = stage.measure([model])
        assert latency.batches[0].exits[0].timing.peak_memory_mb == 1.0  # of the first batch
        assert latency.batches[0].dynamic[0].timing.peak_memory_mb == of_round


def test_answers_unlike_the_table(stage):
    model = invented_model(stage.network(), budgets=(3.0,))
    policy = model.policies[0].policy
    confidence = model.test.confidence('max_softmax')
    expected = choose_exits(confidence, np.array(policy.thresholds))
    said = model.test.prediction[np.arange(40), expected]
    index = np.arange(40)

    def counts(left=expected, said=said, index=index, model=model):
        found = disagreements(model, policy, index, left, said)
        return found.images, found.near_threshold

    assert counts() == (0, 0)
    other = said.copy()
    other[3] = 1 - other[3]
    assert counts(said=other) == (1, 0)
    elsewhere = expected.copy()
    moved = np.flatnonzero(expected == 0)[:2]
    elsewhere[moved] = 2
    assert counts(left=elsewhere) == (2, 0)
    twice = np.concatenate([index, index])
    assert counts(np.tile(elsewhere, 2), np.tile(said, 2), twice) == (2, 0)

    # The confidence of one of them is within rounding of the threshold that it did not reach.
    close = confidence.copy()
    close[moved[0], 0] = policy.thresholds[0] + 5e-6
    table = replace(model.test, confidences={'max_softmax': close})
    assert counts(left=elsewhere, model=replace(model, test=table)) == (2, 1)
    close[moved[1], 0] = policy.thresholds[0] + 0.02  # only bfloat16 rounds so coarsely
    rounded = replace(model, test=table, images=model.images.bfloat16())
    assert counts(left=elsewhere, model=replace(model, test=table)) == (2, 1)
    assert counts(left=elsewhere, model=rounded) == (2, 2)


def test_timed_rounds_run_the_batches_of_the_warmup_again(stage):
    (latency,), _ = stage.measure([invented_model(stage.network(), budgets=(3.0,))], warmup=2)
    assert latency.batches[0].dynamic[0].images == 2 * 2 * 8  # rounds, batches, images
    assert len(latency.batches[0].exits[0].timing.samples_ms) == 5 * 2


def test_a_table_of_other_answers_is_noticed(stage, caplog):
    model = invented_model(stage.network(), budgets=(3.0,))
    flipped = invented_table(model.images.flip(0))
    with caplog.at_level(logging.WARNING):
        (latency,), _ = stage.measure([replace(model, test=flipped)], warmup=0)
    run = latency.batches[0].dynamic[0]
    assert 0 < run.disagreements <= run.images == 40
    assert run.near_threshold == 0
    assert f'net at 3 GMACs: {run.disagreements} of 40 images leave elsewhere' in caplog.text


@pytest.mark.parametrize(
    ('sizes', 'message'),
    [
        ((0,), 'a batch size of 0'),
        ((4, -1), 'a batch size of -1'),
        ((4, 8, 4), '4, 8, 4 name one twice'),
        ((41,), 'a batch of 41 needs more test images of net than the 40'),
    ],
)
def test_batch_sizes_that_cannot_be(stage, sizes, message):
    model = invented_model(stage.network())
    stage.log.clear()
    with pytest.raises(UserError, match=message):
        stage.measure([model], sizes)
    assert stage.log == []


def test_records_survive_the_file(stage, tmp_path):
    models = [invented_model(stage.network(name=name), thresholds=(0.9, NEVER)) for name in 'ab']
    (one, other), ratios = stage.measure(models, (1, 8))
    times = StageTime(2.0, 1.5, 3.5, [1.0, 1.5, 3.5])
    data = DataTime(3, 1, times, times, times, ['LoadImageFromFile'], ['PackInputs'])
    latencies = [replace(one, data=data), other]
    machine = machine_record(CPU, torch.float32, False)
    record = LatencyFile(LATENCY_VERSION, 'now', 'cmd', machine, 1, 5, latencies, ratios)
    write_latency(record, tmp_path / 'l.json')
    assert read_latency(tmp_path / 'l.json') == record
    # Files that were written before reading was timed.
    content = json.loads((tmp_path / 'l.json').read_text())
    for model in content['models']:
        del model['data']
    (tmp_path / 'old.json').write_text(json.dumps(content))
    assert [model.data for model in read_latency(tmp_path / 'old.json').models] == [None, None]
