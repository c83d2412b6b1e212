"""What is said of graphs whose sizes were measured: console, Markdown, page."""

import dataclasses

from benchmarks.latency_records import LATENCY_VERSION, GraphTime, LatencyFile, Tuning
from reports.latency_tables import latency_text
from reports.markdown.document import markdown
from reports.page.document import page
from reports.tuning import tuning_finding

from .made_up_results import made_up_model, made_up_results, static_model

FOUND = Tuning(
    batch_size=64,
    rounds=12,
    sizes=[
        GraphTime(1, 0.9, 0.8, 1.5, 1.5),
        GraphTime(8, 0.6, 0.55, 0.7, 1.0),
        GraphTime(64, 0.72, 0.7, 0.9, 1.2),
    ],
    graph_sizes=[1, 8],
)
SAID = (
    'Graphs for batches of 1 and 8, by measurement: 8 as the largest is the fastest, 1 takes 1.50 '
    'times as long'
)


def tuned_results():
    model = made_up_model('ours')
    model = dataclasses.replace(model, latency=dataclasses.replace(model.latency, tuning=FOUND))
    results = made_up_results(model, static_model('theirs'))
    machine = dataclasses.replace(results.timing.machine, backend='openvino', tuned=True)
    return dataclasses.replace(results, timing=dataclasses.replace(results.timing, machine=machine))


def test_the_best_size_and_the_worst():
    assert tuning_finding(FOUND) == SAID
    alone = dataclasses.replace(FOUND, sizes=FOUND.sizes[:1], graph_sizes=[1])
    assert (
        tuning_finding(alone)
        == 'Graphs for batches of 1, by measurement: 1 as the largest is the fastest'
    )


def test_the_table_says_what_to_give():
    results = tuned_results()
    timed = [model.latency for model in results.models]
    record = LatencyFile(LATENCY_VERSION, 'now', 'cmd', results.timing.machine, 2, 40, timed, [])
    headline, table, *_ = latency_text(record).split('\n\n')
    assert 'openvino in batches tuned for each model' in headline
    title, _, *rows, last = table.splitlines()
    assert title == 'ours, batches of 64 whole and with early exit'
    assert [row.split() for row in rows] == [
        ['1', '0.9', '0.8', '1.5', '1.50x'],
        ['8', '0.6', '0.55', '0.7', '1.00x'],
        ['64', '0.72', '0.7', '0.9', '1.20x'],
    ]
    assert last.strip() == '12 rounds; so give --graphs 1 8'


def test_the_report_says_it_of_the_model():
    results = tuned_results()
    text = markdown(results)
    assert f'- **ours**: {SAID}.' in text and '**theirs**: Graphs' not in text
    assert 'openvino in batches tuned for each model' in text
    shown = page(results)
    assert f'<p>ours: {SAID}.</p>' in shown and 'theirs: Graphs' not in shown
