"""Reading and preparing samples on the page: every number, and a warning where it is slow."""

import dataclasses

import pytest

from reports.page.data_times import data_times
from reports.page.document import page
from reports.page.page_panels import page_panels

from ..made_up_latency import made_up_data
from ..made_up_results import made_up_model, made_up_results, static_model
from .page_reader import PageReader

ACTION = {'task': 'action recognition', 'input_shape': [8, 3, 48, 48]}


def with_data(model, data):
    return dataclasses.replace(model, latency=dataclasses.replace(model.latency, data=data))


def slow_model(**changes):
    data = made_up_data(301.0, 7.5, 0.85, steps=('OpenVideo', 'DecodeVideo'))
    return with_data(made_up_model(gallery=False, **changes), data)


def quick_model(**changes):
    return with_data(made_up_model(gallery=False, **changes), made_up_data(1e-3, 1e-3, 1e-3))


def warnings(reader):
    return [a.get('class') for _, a in reader.tags].count('warning')


def section_of(*models):
    reader = PageReader(page(made_up_results(*models)))
    text = reader.section('latency-0').replace('\xa0', ' ')
    return ' '.join(text.split()), reader


def test_rows_hold_what_was_measured():
    model = slow_model()
    found = data_times(page_panels(made_up_results(model))[0])
    (row,) = found.rows
    whole = model.latency.batches[0].exits[-1].timing.ms_per_image
    assert (row.model, row.network_ms, row.run) == (0, whole, 'one image at a time')
    assert row.ratio == pytest.approx(308.5 / whole)
    assert row.loaders == -(-308.5 // whole)
    assert found.slow and found.reading == ['OpenVideo, DecodeVideo']


def test_models_that_were_not_timed_or_read_have_no_row():
    untimed, unread = made_up_model('a', latency=False), with_data(made_up_model('b'), None)
    panel = page_panels(made_up_results(untimed, unread, slow_model(name='c')))[0]
    assert [row.model for row in data_times(panel).rows] == [2]
    assert data_times(page_panels(made_up_results(untimed, unread))[0]) is None
    text, _ = section_of(unread)
    assert 'From the file' not in text


def test_a_slow_reader_is_warned_of_in_words_and_numbers():
    text, reader = section_of(slow_model(**ACTION))
    panel = page_panels(made_up_results(slow_model(**ACTION)))[0]
    found = data_times(panel)
    assert found.finding in text and 'Reading and preparing a video takes' in found.finding
    assert warnings(reader) == 1 + warnings(section_of(quick_model(**ACTION))[1])
    (row,) = found.rows
    numbers = f'301 271 361 7.50 9.00 0.850 1.02 {row.network_ms:.2f} one video at a time'
    assert f'{numbers} {row.ratio:.2f}\N{MULTIPLICATION SIGN} {row.loaders}' in text
    for expected in ('64 videos, each 5 times', 'warm file cache', 'OpenVideo, DecodeVideo'):
        assert expected in text
    assert 'image' not in text


def test_a_quick_reader_is_no_warning():
    text, reader = section_of(quick_model())
    assert 'one loader process keeps up' in text
    model = quick_model()
    without = section_of(with_data(model, None))[1]
    assert warnings(reader) == warnings(without)


def test_several_models_are_told_apart():
    models = slow_model(name='ours'), with_data(static_model(), made_up_data(1e-4, 1e-4))
    text, _ = section_of(*models)
    assert 'longer than the full network of 1 of 2 models' in text and '(ours, in' in text
    assert 'OpenVideo, DecodeVideo; or LoadImageFromFile' in text
