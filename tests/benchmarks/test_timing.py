"""Clocks, rounds and ratios, with invented clocks: no test waits for real time."""

import gc

import numpy as np
import pytest
import torch

from benchmarks import timing as timing_module
from benchmarks.timing import (
    CudaClock,
    RoundLimits,
    WallClock,
    clock_for,
    interleaved_rounds,
    paired_ratio,
    timing,
)
from dynp_plugins.errors import UserError


def test_laps_are_milliseconds_since_the_start():
    clock = WallClock(iter([9.0, 10.0, 10.5, 11.25, 20.0, 20.001]).__next__)
    clock.start()  # at 9.0, forgotten
    clock.start()
    clock.lap()
    clock.lap()
    assert clock.read() == [500.0, 1250.0]
    clock.start()
    clock.lap()
    assert clock.read() == [pytest.approx(1.0)]


def test_a_gpu_is_waited_for_before_and_after_but_not_between(monkeypatch):
    calls = []

    class Event:
        count = 0

        def __init__(self, enable_timing):
            assert enable_timing
            self.number, Event.count = Event.count, Event.count + 1

        def record(self, stream):
            calls.append((f'record {self.number}', stream))

        def elapsed_time(self, later):
            return 10.0 * (later.number - self.number)

    monkeypatch.setattr(torch.cuda, 'Event', Event)
    monkeypatch.setattr(torch.cuda, 'synchronize', lambda device: calls.append('wait'))
    monkeypatch.setattr(torch.cuda, 'current_stream', lambda device: 'stream')
    clock = clock_for(torch.device('cuda', 0))
    assert isinstance(clock, CudaClock)
    clock.start()
    clock.lap()
    clock.lap()
    assert clock.read() == [10.0, 20.0]
    records = [(f'record {i}', 'stream') for i in range(3)]
    assert calls == ['wait', *records, 'wait']


def test_devices_without_a_clock_are_refused():
    assert isinstance(clock_for(torch.device('cpu')), WallClock)
    with pytest.raises(UserError, match='not on mps'):
        clock_for(torch.device('mps'))


def contestants(names, calls):
    def run(name, number):
        calls.append((name, number))
        return f'{name}{number}'

    return [lambda number, name=name: run(name, number) for name in names]


def test_contestants_take_turns_and_the_warmup_is_dropped():
    calls = []
    answers = interleaved_rounds(contestants('AB', calls), RoundLimits(6, 2))
    order = [('A', 0), ('B', 0), ('A', 1), ('B', 1)]
    assert calls[:4] == order  # the warm-up
    in_turn = ['AB', 'BA'] * 3
    assert calls[4:] == [(name, number) for number in range(6) for name in in_turn[number]]
    assert answers == [[f'{name}{number}' for number in range(6)] for name in 'AB']


@pytest.mark.parametrize(
    ('seconds', 'rounds'), [(0.0, 5), (4.0, 5), (7.0, 7), (7.5, 8), (None, 20), (1e9, 20)]
)
def test_no_round_begins_after_the_time_is_over(seconds, rounds):
    now = iter(range(100, 200)).__next__  # a second per look
    answers = interleaved_rounds(contestants('A', []), RoundLimits(20, 3, seconds), now)
    assert len(answers[0]) == rounds


def test_no_garbage_is_collected_while_times_are_taken():
    seen = []
    interleaved_rounds([lambda number: seen.append(gc.isenabled())], RoundLimits(5, 1))
    assert seen == [False] * 6
    assert gc.isenabled()
    with pytest.raises(ZeroDivisionError):
        interleaved_rounds([lambda number: 1 // 0], RoundLimits(5, 0))
    assert gc.isenabled()


@pytest.mark.parametrize(
    ('limits', 'message'),
    [
        ((4, 1), '4 rounds are too few for an interval: give at least 5'),
        ((9, -1), '-1 warm-up rounds'),
        ((9, 1, -2.0), '-2 seconds'),
        ((9, 1, float('nan')), 'nan seconds'),
    ],
)
def test_limits_that_make_no_sense(limits, message):
    with pytest.raises(UserError, match=message):
        RoundLimits(*limits)


def test_percentiles_of_the_batches():
    """1 .. 101 ms: the percentiles are the numbers themselves."""
    times = np.random.default_rng(0).permutation(np.arange(1.0, 102.0))
    record = timing(times[:, None], 4, 12.5)
    assert (record.p50_ms, record.p90_ms, record.p99_ms) == (51.0, 91.0, 100.0)
    assert record.ms_per_image == 51.0 / 4
    assert record.images_per_second == pytest.approx(4000 / 51)
    assert record.samples_ms == times.tolist()
    assert (record.batch_size, record.peak_memory_mb, record.batches_per_round) == (4, 12.5, 1)


def test_an_image_costs_the_mean_of_its_round_and_the_median_round():
    """Two of three batches leave early: the median batch is not what an image costs."""
    times = np.array([[1.0, 1.0, 7.0], [1.0, 7.0, 1.0], [100.0, 700.0, 100.0]])  # a stall at last
    record = timing(times, 1, None)
    assert record.ms_per_image == 3.0
    assert record.images_per_second == pytest.approx(1000 / 3)
    assert record.batches_per_round == 3
    assert np.array(record.samples_ms).reshape(-1, record.batches_per_round).tolist() == (
        times.tolist()
    )


def test_what_slows_both_contestants_cancels():
    slowness = np.random.default_rng(0).gamma(2.0, 5.0, 40)
    ratio, interval = paired_ratio(3 * slowness, 2 * slowness)
    assert ratio == pytest.approx(1.5)
    assert interval.low == pytest.approx(1.5)
    assert interval.high == pytest.approx(1.5)


def test_ratio_of_five_rounds():
    """The median of five draws is the least with probability 5.8 %, so both ends are in."""
    ratio, interval = paired_ratio([2.0, 4, 6, 8, 10], [2.0, 2, 2, 2, 2])
    assert (ratio, interval.low, interval.high) == (3.0, 1.0, 5.0)


def test_the_interval_covers_the_true_median_and_narrows():
    """Noise with a heavy tail; the true ratio is 1.2."""
    random = np.random.default_rng(1)
    covered, widths = 0, []
    for _ in range(200):
        noise = 1 + random.gamma(0.5, 0.2, (2, 30))
        _, interval = paired_ratio(1.2 * noise[0], noise[1])
        covered += interval.low <= 1.2 <= interval.high
        widths.append(interval.high - interval.low)
    assert covered >= 180  # of 190 to be expected; fewer has a probability of 0.1 %
    _, many = paired_ratio(*(1 + random.gamma(0.5, 0.2, (2, 3000))))
    assert many.high - many.low < min(widths)


def test_the_interval_is_the_same_every_time():
    times = np.random.default_rng(2).random((2, 9)) + 1
    assert paired_ratio(*times) == paired_ratio(*times)
    low, high = paired_ratio(*times)[1], paired_ratio(*times[::-1])[1]
    assert (low.low, low.high) == (pytest.approx(1 / high.high), pytest.approx(1 / high.low))


def test_too_few_rounds_for_an_interval():
    few = np.ones(timing_module.MIN_ROUNDS - 1)
    with pytest.raises(UserError, match='too few for an interval'):
        paired_ratio(few, few)
