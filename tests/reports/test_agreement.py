"""What is said of answers in another type or by another backend: console, Markdown, page."""

import dataclasses

import pytest

from benchmarks.latency_records import LATENCY_VERSION, LatencyFile
from reports.agreement import agreement_finding, agreement_rows, agreements, percent
from reports.latency_tables import latency_text
from reports.markdown.document import markdown
from reports.page.document import page

from .made_up_latency import made_up_agreement
from .made_up_results import made_up_model, made_up_results, static_model
from .page.page_reader import PageReader

SAID = (
    'bfloat16 by openvino: top-1 as in float32 at every exit for 98.9 % of 1,024 images; with '
    'early exit the same top-1 for 99.6 % and the same exit for 98.7 %, the least of 3 policies. '
    'Logits differ by at most 2.5e-02 of the largest one'
)


def compared(model, **changes):
    """The model with an agreement; ``changes`` are fields of it."""
    found = dataclasses.replace(made_up_agreement(model.latency), **changes)
    latency = dataclasses.replace(model.latency, agreement=found)
    return dataclasses.replace(model, latency=latency)


def results_of(*models):
    results = made_up_results(*models)
    machine = dataclasses.replace(
        results.timing.machine, dtype='bfloat16', backend='openvino', graph_sizes=[1, 8]
    )
    return dataclasses.replace(results, timing=dataclasses.replace(results.timing, machine=machine))


def test_the_least_of_all_policies_is_said():
    results = results_of(compared(made_up_model('ours')))
    machine = results.timing.machine
    (latency,) = (model.latency for model in results.models)
    assert agreement_finding(latency, machine) == SAID
    assert agreement_finding(latency, machine, 'ours') == f'ours, {SAID}'
    single = compared(static_model(), policies=[], same_top1={'final': 0.5})
    assert ' at the exit for ' in agreement_finding(single.latency, machine)
    assert 'early exit' not in agreement_finding(single.latency, machine)
    assert agreement_finding(static_model().latency, machine) == ''


def test_only_models_that_were_compared_are_there():
    models = [made_up_model('a', latency=False), compared(made_up_model('b')), static_model()]
    assert [i for i, _, _ in agreements(models)] == [1]


@pytest.mark.parametrize(
    'share, text', [(1, '100.0 %'), (0.99999, '99.9 %'), (0.9966, '99.6 %'), (0.0, '0.0 %')]
)
def test_only_all_of_them_are_a_hundred_percent(share, text):
    assert percent(share) == text


def test_every_exit_and_policy_has_a_row():
    model = compared(made_up_model())
    found = model.latency.agreement
    found.policies[1] = dataclasses.replace(found.policies[1], policy='some/where/mine.json')
    rows = agreement_rows(found, lambda gmacs: f'{1e3 * gmacs:.1f} M')
    assert [row.what for row in rows] == [
        *(f'everyone at {exit.name}' for exit in model.exits),
        'at every exit',
        f'early exit, {1e3 * found.policies[0].target_gmacs:.1f} M',
        'early exit, mine.json',
        f'early exit, {1e3 * found.policies[2].target_gmacs:.1f} M',
    ]
    assert [row.same_top1 for row in rows] == [
        *('99.1 %', '99.4 %', '99.7 %', '100.0 %', '98.9 %'),
        *('99.6 %', '99.7 %', '99.8 %'),
    ]
    assert [row.same_exit for row in rows] == [*[''] * 5, '98.7 %', '98.8 %', '98.9 %']


def test_where_it_is_shown():
    results = results_of(compared(made_up_model('ours')), static_model('theirs'))
    text = markdown(results)
    section = text[text.index('### Agreement with float32') :]
    assert f'- **ours**: {SAID}.' in section
    assert '| ours | at every exit | 98.9 % | - |' in section
    shown = PageReader(page(results)).section('agreement-0')
    assert f'ours, {SAID}' in shown and 'at every exit98.9 %' in shown
    timed = [model.latency for model in results.models]
    record = LatencyFile(LATENCY_VERSION, 'now', 'cmd', results.timing.machine, 2, 40, timed, [])
    lines = latency_text(record)
    assert SAID in ' '.join(lines.split())
    row = next(line for line in lines.splitlines() if line.strip().startswith('at every exit'))
    assert row.split() == ['at', 'every', 'exit', '98.9', '%', '-']


def test_nothing_is_said_of_plain_runs():
    results = made_up_results()
    assert 'Agreement' not in markdown(results) and 'agreement-0' not in page(results)
