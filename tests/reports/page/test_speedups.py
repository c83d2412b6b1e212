"""The section on predicted and realised speed-up."""

import dataclasses

import pytest

from reports.page.document import page
from reports.page.page_panels import page_panels
from reports.page.speedups import SIDE, speedup_view
from reports.speedups import PUBLISHED_MACS, speedups

from ..made_up_results import made_up_model, made_up_results, static_model
from .page_reader import PageReader


def view_of(*models):
    return speedup_view(page_panels(made_up_results(*models))[0])


def test_marks_lie_where_both_axes_have_the_same_scale():
    model = made_up_model()
    view = view_of(model, static_model())
    assert [drawing.name for drawing in view.drawings] == [
        'one image at a time',
        'in batches of 64',
    ]
    for drawing, batch in zip(view.drawings, model.latency.batches, strict=True):
        (line,) = drawing.lines
        assert line.model == 0
        (x, label), *_ = drawing.ticks
        per_unit = (drawing.even - x) / (1 - float(label)) if float(label) != 1 else None
        per_unit = per_unit or (drawing.ticks[1][0] - x) / (float(drawing.ticks[1][1]) - 1)
        for mark, one in zip(line.marks, speedups(batch), strict=True):
            run = one.run
            assert mark.x == pytest.approx(drawing.even + per_unit * (one.by_macs - 1))
            for pixels, value in (
                (mark.y, run.realised_speedup),
                (mark.expected_y, run.predicted_speedup),
                (mark.low_y, run.realised_interval.low),
                (mark.high_y, run.realised_interval.high),
            ):
                assert SIDE - pixels == pytest.approx(drawing.even + per_unit * (value - 1))
                assert 0 <= pixels <= SIDE


def test_the_table_has_every_run_and_the_section_its_machine():
    results = made_up_results(made_up_model('ours'), static_model('theirs'))
    text = page(results)
    section = text[text.index('<section id="speedup-0"') :]
    section = section[: section.index('</section>')]
    assert 'Measured on Example Processor 9000, 2 threads, float32, contiguous, eager.' in section
    assert PUBLISHED_MACS in section
    for batch in results.models[0].latency.batches:
        for one in speedups(batch):
            assert f'<td>{one.share_percent}&nbsp;%</td>' in section
            assert f'<td class="text">{one.verdict}</td>' in section
    links = [attributes.get('href') for tag, attributes in PageReader(text).tags if tag == 'a']
    assert '#speedup-0' in links


def test_a_budget_of_half_of_the_macs_is_marked():
    model = made_up_model()
    half = model.exits[-1].gmacs / 2
    for batch in model.latency.batches:
        batch.dynamic[0] = dataclasses.replace(batch.dynamic[0], target_gmacs=half)
    view = view_of(model)
    assert [mark.half for mark in view.drawings[0].lines[0].marks] == [True, False, False]
    assert 'for a budget of half of the MACs' in view.payoffs[0]


def test_without_early_exit_there_is_no_section():
    assert view_of(static_model(), made_up_model(latency=False)) is None
    assert 'id="speedup-0"' not in page(made_up_results(static_model()))
