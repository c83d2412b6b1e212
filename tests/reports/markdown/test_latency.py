"""The times in report.md: those of reading, and the word for a sample."""

import dataclasses

from reports.latency_data import data_balance, data_finding
from reports.markdown.document import markdown
from reports.markdown.text import significant

from ..made_up_latency import made_up_data
from ..made_up_results import made_up_model, made_up_results, static_model
from .test_document import table_after


def with_data(model, data):
    return dataclasses.replace(model, latency=dataclasses.replace(model.latency, data=data))


def test_reading_stands_beside_the_full_network():
    data = made_up_data(300.0, 7.5, 0.85, steps=('OpenVideo', 'DecodeVideo'))
    model = made_up_model(
        'ours', task='action recognition', input_shape=[8, 3, 48, 48], gallery=False
    )
    results = made_up_results(with_data(model, data))
    text = markdown(results)
    (row,) = table_after(text, 'From the file to the network')[2:]
    network = model.latency.batches[0].exits[-1].timing.ms_per_image
    assert row == [
        *('ours', '64 videos', '300.0', '360.0', '7.500', '0.8500', significant(network)),
        'one video at a time',
    ]
    assert f'- **ours**: {data_finding(data_balance(results.models[0].latency))}.' in text
    assert 'Reading is OpenVideo, DecodeVideo.' in text and 'warm file cache' in text
    timed = text[text.index('## Time') : text.index('## Where the numbers')]
    assert 'ms per video' in timed and 'image' not in timed


def test_only_models_whose_reading_was_timed_are_there():
    models = with_data(made_up_model('ours'), None), static_model('theirs')
    text = markdown(made_up_results(*models))
    assert [row[0] for row in table_after(text, 'From the file to the network')[2:]] == ['theirs']
    assert 'From the file' not in markdown(made_up_results(models[0]))
