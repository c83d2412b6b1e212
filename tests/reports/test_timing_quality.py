"""Readers are told what makes times doubtful, on the page, in Markdown and in the figure."""

import dataclasses

import pytest

from reports.figures.latency import latency_figure
from reports.markdown.document import markdown
from reports.page.document import page
from reports.timing_quality import (
    count_rounds,
    known_percentile,
    timing_conditions,
    timing_warnings,
)

from .made_up_results import made_up_model, made_up_results
from .page.page_reader import PageReader


def timed(samples=120, per_round=1, load=('0.21', '0.30'), cores='2'):
    """Results whose times have so many samples; loads before and after."""
    model = made_up_model(gallery=False)
    for batch in model.latency.batches:
        for records in (batch.exits, batch.dynamic):
            records[:] = [_shorter(record, samples, per_round) for record in records]
    results = made_up_results(model)
    machine = dataclasses.replace(
        results.timing.machine,
        threads=1,
        states={'load, 1 minute': load[0]} if load[0] else {},
        states_after={'load, 1 minute': load[1]} if load[1] else {},
        settings={'usable cores': cores} if cores else {},
    )
    return dataclasses.replace(results, timing=dataclasses.replace(results.timing, machine=machine))


def _shorter(record, samples, per_round):
    taken = record.timing.samples_ms[:samples]
    timing = dataclasses.replace(record.timing, samples_ms=taken, batches_per_round=per_round)
    return dataclasses.replace(record, timing=timing)


def conditions(results):
    return timing_conditions(results, results.models)


def warnings(results):
    return timing_warnings(results, results.models)


def test_rounds_and_load_are_said():
    results = timed(samples=80, per_round=4)
    assert count_rounds(results.models[0].latency.batches[0].exits[0].timing) == 20
    assert conditions(results) == (
        'Times are medians of 20 rounds. Machine load: 0.21 before and 0.30 after, on 2 usable '
        'cores.'
    )
    assert warnings(results) == []
    results.models[0].latency.batches[0].exits[0] = _shorter(
        results.models[0].latency.batches[0].exits[0], 40, 4
    )
    assert conditions(results).startswith('Times are medians of 10 to 20 rounds.')


def test_what_is_not_known_is_not_said():
    assert conditions(timed(load=('', ''), cores='')) == 'Times are medians of 120 rounds.'
    assert conditions(timed(load=('0.5', ''), cores='')).endswith('Machine load: 0.5 before.')
    assert conditions(made_up_results(made_up_model(latency=False))) == ''
    assert warnings(made_up_results(made_up_model(latency=False))) == []
    assert warnings(timed(load=('much', '9'), cores='some')) == []


@pytest.mark.parametrize(
    'load, busy', [(('2.00', '1.90'), False), (('2.10', '0.1'), True), (('0.1', '5.73'), True)]
)
def test_a_busy_machine_is_warned_of(load, busy):
    assert any('The machine was busy' in said for said in warnings(timed(load=load))) == busy


@pytest.mark.parametrize('rounds, few', [(19, True), (20, False)])
def test_few_rounds_are_warned_of(rounds, few):
    assert any(f'Only {rounds} rounds' in said for said in warnings(timed(rounds))) == few


@pytest.mark.parametrize('count, known', [(9, ()), (10, (90,)), (99, (90,)), (100, (90, 99))])
def test_percentiles_of_few_samples_are_not_known(count, known):
    timing = timed(count).models[0].latency.batches[0].exits[0].timing
    found = {percent: known_percentile(timing, percent) for percent in (90, 99)}
    assert [percent for percent, value in found.items() if value is not None] == list(known)


def test_all_reports_say_it():
    results = timed(samples=5, load=('5.90', '5.73'))
    reader = PageReader(page(results))
    section = reader.section('latency-0').replace('\xa0', ' ')
    said = [
        'medians of 5 rounds',
        '5.90 before and 5.73 after',
        'Only 5 rounds',
        'machine was busy',
    ]
    figure = latency_figure(results)
    texts = [text.get_text() for text in figure.findobj(match=lambda a: hasattr(a, 'get_text'))]
    for text in (section, markdown(results), ' '.join(' '.join(texts).split())):
        for expected in (*said, '1 thread,' if text is section else '1 thread'):
            assert expected in text
    assert [tag for tag, a in reader.tags if a.get('class') == 'warning'].count('p') >= 2
    p50 = results.models[0].latency.batches[1].exits[0].timing.p50_ms
    assert f'{p50:.2f} \N{EN DASH} \N{EN DASH}' in section  # no p90, no p99
    assert f'| {p50:.3f} | - | - |' in markdown(results)
    assert 'not the quotient of two' in section and 'not the quotient of two' in markdown(results)
