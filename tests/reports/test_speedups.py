"""What MACs predict beside what was realised: numbers, verdicts, sentences, figure."""

import dataclasses

import pytest
from PIL import Image

from benchmarks.interval import Interval
from dynp_plugins.errors import UserError
from reports.axes import cost_unit
from reports.figures.speedup import draw_speedups, speedup_figure
from reports.speedups import (
    EQUAL,
    NO_SAVING,
    PAYS,
    PUBLISHED_MACS,
    SHORT,
    SLOWER,
    has_speedups,
    machine_words,
    payoff_findings,
    speedup_finding,
    speedups,
)

from .made_up_detectors import made_up_detection, made_up_detector
from .made_up_results import (
    made_up_model,
    made_up_results,
    static_model,
    three_models,
    video_models,
)


def with_runs(model, *changes, batches=(0, 1)):
    """The model with other runs: (MAC-predicted speed-up, realised, low, high) and more fields."""
    taken = [model.latency.batches[i] for i in batches]
    whole = taken[0].exits[-1].gmacs
    new = []
    for batch in taken:
        runs = [
            dataclasses.replace(
                batch.dynamic[0],
                gmacs_mean=whole / by_macs,
                realised_speedup=realised,
                realised_interval=Interval(low, high),
                **fields,
            )
            for (by_macs, realised, low, high), fields in changes
        ]
        new.append(dataclasses.replace(batch, dynamic=runs))
    return dataclasses.replace(model, latency=dataclasses.replace(model.latency, batches=new))


def half_of(model):
    return {'target_gmacs': model.exits[-1].gmacs / 2}


def findings(*models):
    results = made_up_results(*models)
    names = [model.name for model in models]
    return payoff_findings(results.models, names, cost_unit(results))


def test_macs_predict_the_quotient_of_macs():
    (batch, _) = made_up_model().latency.batches
    found = speedups(batch)
    assert [one.run for one in found] == batch.dynamic
    for one in found:
        assert one.by_macs == pytest.approx(batch.exits[-1].gmacs / one.run.gmacs_mean)
        assert one.share == pytest.approx(one.run.realised_speedup / one.by_macs)


@pytest.mark.parametrize(
    'numbers, verdict',
    [
        ((2.0, 0.9, 0.8, 0.99), SLOWER),
        ((2.0, 1.3, 0.99, 1.6), EQUAL),
        ((2.0, 1.69, 1.6, 1.9), SHORT),
        ((2.0, 1.71, 1.6, 1.9), PAYS),
        ((1.0, 0.97, 0.9, 1.01), NO_SAVING),
        ((1.0, 0.97, 0.9, 0.98), SLOWER),
    ],
)
def test_verdicts(numbers, verdict):
    (batch,) = with_runs(made_up_model(), (numbers, {}), batches=(0,)).latency.batches
    assert [one.verdict for one in speedups(batch)] == [verdict]


def test_the_cheapest_run_comes_first_and_half_of_the_macs_is_known():
    model = made_up_model()
    runs = (((1.5, 1.4, 1.3, 1.5), {}), ((1.9, 1.7, 1.6, 1.8), half_of(model)))
    file = {**half_of(model), 'policy': 'mine.json'}
    (batch,) = with_runs(model, *runs, ((1.7, 1.6, 1.5, 1.7), file), batches=(1,)).latency.batches
    found = speedups(batch)
    assert [round(one.by_macs, 6) for one in found] == [1.9, 1.7, 1.5]
    assert [one.is_half for one in found] == [True, False, False]
    assert found[0].share_percent == 89  # of 89.47


def test_where_early_exit_does_not_pay_is_said_in_plain_words():
    model = made_up_model(exit_gmacs={'a': 4e-3, 'b': 10e-3, 'c': 16e-3})
    runs = (
        ((2.0, 1.6, 1.5, 1.7), half_of(model)),
        ((1.6, 0.8, 0.7, 0.9), {}),
        ((1.25, 1.01, 0.9, 1.1), {}),
        ((1.28, 1.05, 0.9, 1.1), {}),
        ((1.5, 1.2, 1.1, 1.3), {}),
        ((1.4, 1.39, 1.3, 1.5), {}),
    )
    assert findings(with_runs(model, *runs, batches=(1,))) == [
        'In batches of 64, early exit at 8.00 MMACs, for a budget of half of the MACs, is 1.60 '
        'times as fast as the full network (95 % interval 1.50 to 1.70), 80 % of the 2.00 times '
        'that its MACs predict',
        'In batches of 64, early exit at 10.0 MMACs takes 1.25 times as long as the full network, '
        'though it has 63 % of the MACs',
        'In batches of 64, early exit at 12.8 MMACs cannot be told from the full network (95 % '
        'interval 0.90 to 1.10 times as fast), though it has 80 % of the MACs (2 of 6 runs are '
        'like that)',
        'In batches of 64, early exit at 10.7 MMACs is 1.20 times as fast as the full network '
        '(95 % interval 1.10 to 1.30), 80 % of the 1.50 times that its MACs predict (2 of 6 runs '
        'are like that)',
    ]


def test_of_several_models_each_sentence_names_its_own():
    slow = with_runs(made_up_model('slow'), ((1.6, 0.8, 0.7, 0.9), {}), batches=(0,))
    fast = with_runs(made_up_model('fast'), ((1.6, 1.5, 1.4, 1.6), {}))
    (said,) = findings(slow, fast)
    assert said.startswith('One image at a time, early exit of slow at ')
    assert findings(fast, static_model()) == [
        'Wherever early exit was timed, it realises at least 85 % of the speed-up that its MACs '
        'predict'
    ]
    assert findings(static_model(), made_up_model('untimed', latency=False)) == []


def test_a_run_without_savings_is_no_success():
    pays = ((1.6, 1.5, 1.4, 1.6), {})
    even = with_runs(made_up_model(), pays, ((1.0, 0.99, 0.95, 1.02), {}), batches=(0,))
    assert findings(even) == []
    slow = with_runs(made_up_model(), pays, ((1.0, 0.7, 0.6, 0.8), {}), batches=(0,))
    (said,) = findings(slow)
    assert said.endswith('takes 1.43 times as long as the full network, and saves no MACs')


def test_the_share_that_is_realised():
    model = with_runs(
        made_up_model(), ((2.0, 1.6, 1.5, 1.7), {}), ((1.0, 0.5, 0.4, 0.6), {}), batches=(0,)
    )
    said = 'Early exit realises 80 % of the speed-up that its MACs predict'
    assert speedup_finding([model]) == said  # where no MACs are saved, none are predicted
    other = with_runs(made_up_model(), ((2.0, 1.9, 1.8, 2.0), {}))
    assert speedup_finding([model, other]) == said.replace('80 %', '80 to 95 %')
    assert speedup_finding([static_model()]) == 'Early exit against the full network'


def test_the_machine_in_a_line():
    machine = made_up_results().timing.machine
    assert machine_words(machine) == (
        'Example Processor 9000, 2 threads, float32, contiguous, eager'
    )
    compiled = dataclasses.replace(
        machine, kind='cuda', dtype='bfloat16', backend='inductor', graph_sizes=[1, 8]
    )
    assert machine_words(compiled) == (
        'Example Processor 9000, bfloat16, inductor in batches of 1 and 8'
    )


def test_runs_stand_at_what_macs_predict_and_what_was_realised():
    results = three_models()
    figure = speedup_figure(results)
    assert figure.texts[0].get_text().startswith('Early exit realises ')
    for axes, number in zip(figure.axes, (0, 1), strict=True):
        assert axes.get_xlim() == axes.get_ylim()
        for model in results.models:
            found = speedups(model.latency.batches[number])
            expected = [(one.by_macs, one.run.realised_speedup) for one in found]
            drawn = [[*zip(*line.get_data(), strict=True)] for line in axes.lines]
            assert expected in drawn
            assert [(one.by_macs, one.run.predicted_speedup) for one in found] in drawn
    note = figure.texts[-1].get_text().replace('\n', ' ')
    assert PUBLISHED_MACS in note
    assert 'Example Processor 9000, 2 threads, float32, contiguous, eager' in note


def test_videos_and_pictures_have_axes_of_their_own():
    videos = video_models().models[:1]
    figure = speedup_figure(made_up_results(made_up_model(), *videos))
    labels = [axes.get_ylabel() for axes in figure.axes]
    assert labels == [
        f'Realised speed-up, {where}'
        for word in ('image', 'video')
        for where in (f'one {word} at a time', 'in batches of 64')
    ]


def test_only_results_with_early_exit_have_the_figure(tmp_path):
    for results in (
        made_up_results(static_model()),
        made_up_results(made_up_model(latency=False)),
        made_up_detection(made_up_detector()),
    ):
        assert not has_speedups(results)
        with pytest.raises(UserError, match=r'tools/benchmark\.py'):
            draw_speedups(results, tmp_path / 'speedup.png')
    assert list(tmp_path.iterdir()) == []


def test_the_file(tmp_path):
    for name in ('speedup.png', 'one.svg', 'two.svg'):
        draw_speedups(made_up_results(), tmp_path / name)
    with Image.open(tmp_path / 'speedup.png') as picture:
        assert picture.format == 'PNG' and picture.width == 1440
    assert (tmp_path / 'one.svg').read_bytes() == (tmp_path / 'two.svg').read_bytes()
