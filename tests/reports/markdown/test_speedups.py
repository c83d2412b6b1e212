"""Predicted and realised speed-up in report.md."""

import dataclasses

from reports.axes import cost_unit
from reports.markdown.document import markdown
from reports.speedups import PUBLISHED_MACS, payoff_findings, speedups

from ..made_up_results import made_up_model, made_up_results, static_model, video_models
from .test_document import table_after

TITLE = 'MAC-predicted and realised speed-up'


def test_every_run_has_a_row():
    results = made_up_results(made_up_model('ours'), static_model('theirs'))
    text = markdown(results)
    rows = table_after(text, TITLE)[2:]
    runs = [
        (batch.batch_size, one)
        for batch in results.models[0].latency.batches
        for one in speedups(batch)
    ]
    unit = cost_unit(results)
    assert rows == [
        [
            *('ours', str(size), unit.cost(one.run.target_gmacs), unit.cost(one.run.gmacs_mean)),
            *(f'{one.by_macs:.2f}', f'{one.run.predicted_speedup:.2f}'),
            f'{one.run.realised_speedup:.2f}',
            f'{one.run.realised_interval.low:.2f} to {one.run.realised_interval.high:.2f}',
            *(f'{one.share_percent} %', one.verdict),
        ]
        for size, one in runs
    ]
    section = text[text.index(TITLE) :]
    assert 'Measured on Example Processor 9000, 2 threads, float32, contiguous, eager.' in section
    assert PUBLISHED_MACS in section
    for said in payoff_findings(results.models, ['ours', 'theirs'], unit):
        assert f'- {said}.' in section


def test_the_paragraph_begins_with_words_where_nothing_was_saved():
    model = made_up_model()
    for batch in model.latency.batches:
        batch.dynamic[:] = [dataclasses.replace(batch.dynamic[0], gmacs_mean=batch.exits[-1].gmacs)]
    text = markdown(made_up_results(model))
    section = text[text.index(TITLE) :].split('\n\n')
    assert section[1].startswith('Early exit against the full network. Measured on ')
    assert not any(paragraph.strip() == '' for paragraph in section)


def test_videos_are_called_videos():
    text = markdown(video_models())
    section = text[text.index(TITLE) : text.index('## Where the numbers')]
    assert 'timed videos' in section
    assert 'image' not in section


def test_without_early_exit_there_is_no_such_section():
    assert TITLE not in markdown(made_up_results(static_model()))
