"""Whether loading keeps up with the network, in sentences and on the figure."""

import dataclasses

import pytest

from reports.figures.latency import latency_figure
from reports.latency_data import (
    DataBalance,
    data_balance,
    data_finding,
    is_bottleneck,
    reading_text,
    sample_of,
    several_findings,
)

from .made_up_latency import made_up_data
from .made_up_results import made_up_model, made_up_results, static_model


def balance(network_ms, reading=20.0, transforms=3.0, sample='video', **settings):
    return DataBalance(made_up_data(reading, transforms, **settings), sample, network_ms)


def with_data(model, data, shape=None):
    shape = shape or model.latency.input_shape
    latency = dataclasses.replace(model.latency, data=data, input_shape=shape)
    return dataclasses.replace(model, latency=latency)


def test_loading_is_reading_and_the_other_steps_against_the_full_network():
    model = with_data(made_up_model(), made_up_data(2.0, 1.0, preprocessing=50.0))
    found = data_balance(model.latency)
    assert found.loading_ms == pytest.approx(3.0)  # the preprocessor runs in the other process
    assert found.sample == 'image'
    last = {b.batch_size: b.exits[-1].timing.ms_per_image for b in model.latency.batches}
    assert found.network_ms == last and last[64] < last[1]
    assert (found.smallest, found.fastest) == (1, 64)
    assert found.ratio(1) == pytest.approx(3 / last[1])
    backwards = dataclasses.replace(model.latency, batches=model.latency.batches[::-1])
    assert list(data_balance(backwards).network_ms) == [1, 64]


def test_where_nothing_was_measured():
    model = made_up_model()
    assert data_balance(None) is None
    assert data_balance(dataclasses.replace(model.latency, data=None)) is None
    assert data_balance(dataclasses.replace(model.latency, batches=[])) is None


@pytest.mark.parametrize('shape, word', [([3, 64, 64], 'image'), ([8, 3, 64, 64], 'video')])
def test_the_shape_tells_what_a_sample_is(shape, word):
    model = with_data(made_up_model(), made_up_data(), shape)
    assert sample_of(model.latency).one == data_balance(model.latency).sample == word


@pytest.mark.parametrize(
    'network, ratio, loaders',
    [(10.0, 2.3, 3), (11.5, 2.0, 2), (23.0, 1.0, 1), (46.0, 0.5, 1), (22.9, 23 / 22.9, 2)],
)
def test_loader_processes_that_keep_up(network, ratio, loaders):
    found = balance({1: network})
    assert found.ratio(1) == pytest.approx(ratio)
    assert found.loaders(1) == loaders
    assert is_bottleneck(found) == (ratio > 1)


def test_reading_that_takes_longer_than_computing_is_said():
    assert data_finding(balance({1: 10.0})) == (
        'Reading and preparing a video takes 2.3 times as long as the full network, one video at a '
        'time: 3 loader processes would be needed to keep up'
    )
    # In batches the network is faster, and waits for more of them.
    assert data_finding(balance({1: 10.0, 64: 2.0}), 'ours') == (
        'Reading and preparing a video takes 2.3 times as long as the full network of ours, one '
        'video at a time: 3 loader processes would be needed to keep up, 12 in batches of 64'
    )
    # The network is no faster there.
    assert data_finding(balance({1: 10.0, 64: 9.0})).endswith(
        '3 loader processes would be needed to keep up'
    )
    assert data_finding(balance({4: 10.0})).startswith(
        'Reading and preparing a video takes 2.3 times as long as the full network, in batches of 4'
    )


def test_reading_that_is_slower_only_than_large_batches():
    assert data_finding(balance({1: 30.0, 64: 15.0}, sample='image')) == (
        'Reading and preparing an image takes 1.53 times as long as the full network, in batches '
        'of 64: 2 loader processes would be needed to keep up; one image at a time, one keeps up'
    )


def test_reading_that_keeps_up():
    assert data_finding(balance({1: 230.0, 8: 100.0})) == (
        'Reading and preparing a video takes 23 % of the time of the full network, in batches of '
        '8: one loader process keeps up'
    )
    assert 'takes less than 1 % of' in data_finding(balance({1: 10_000.0}))


def test_of_several_models_the_one_that_waits_longest_is_named():
    slow, slower, fast = balance({1: 20.0}), balance({1: 30.0, 8: 5.0}), balance({1: 90.0})
    assert several_findings({'a': slow, 'b': slower, 'c': fast}) == (
        'Reading and preparing a video takes longer than the full network of 2 of 3 models: up to '
        '4.6 times as long (b, in batches of 8), so that 5 loader processes would be needed to '
        'keep up'
    )
    assert several_findings({'c': fast, 'd': fast}) == (
        'One loader process keeps up with each of the 2 full networks'
    )
    assert several_findings({'a': slow}) == data_finding(slow)
    assert several_findings({}) == ''


def test_what_counts_as_reading():
    assert (
        reading_text(made_up_data(steps=('OpenVideo', 'DecodeVideo'))) == 'OpenVideo, DecodeVideo'
    )
    assert 'hand out a sample' in reading_text(made_up_data(steps=()))


def texts(figure):
    return ' '.join(
        ' '.join(
            part.get_text() for part in figure.findobj(match=lambda a: hasattr(a, 'get_text'))
        ).split()
    )


def test_the_figure_says_it_where_reading_is_what_takes_the_time():
    quick, slow = made_up_data(1e-4, 1e-4), made_up_data(90.0, 5.0)
    said = 'Not in these times: reading and preparing an image takes'
    slow_model = with_data(made_up_model(gallery=False), slow)
    assert said in texts(latency_figure(made_up_results(slow_model)))
    quick_model = with_data(static_model(), quick)
    assert 'Not in these times' not in texts(latency_figure(made_up_results(quick_model)))
    both = texts(latency_figure(made_up_results(slow_model, quick_model)))
    assert f'{said} longer than the full network of 1 of 2 models' in both
