"""The slider's data: which point answers which budget, and what is said about it."""

import dataclasses
import math

import numpy as np
import pytest

from benchmarks.interval import Interval
from reports.page.budget import POSITIONS, budget_positions, budget_view
from reports.page.page_panels import page_panels

from ..made_up_results import made_up_model, made_up_results, static_model, three_models


def view(*models):
    (panel,) = page_panels(made_up_results(*models))
    return budget_view(panel)


def plain(text):
    return text.replace('\xa0', ' ')


def test_one_model_has_a_position_for_every_point():
    model = made_up_model()
    assert budget_positions([model]) == [point.target_gmacs for point in model.points]
    uneven = dataclasses.replace(model, points=[model.points[i] for i in (0, 1, 5, 32)])
    positions = budget_positions([uneven])
    assert len(positions) == POSITIONS
    assert np.diff(positions) == pytest.approx(np.diff(positions).mean())


def test_positions_reach_from_the_cheapest_to_the_dearest_target():
    models = three_models().models
    targets = [point.target_gmacs for model in models for point in model.points]
    positions = budget_positions(models)
    assert (positions[0], positions[-1]) == (min(targets), max(targets))
    for model in models:  # the last position must not miss the last point by rounding
        assert model.points[-1].target_gmacs <= positions[-1]


def test_a_static_network_has_one_position():
    model = static_model()
    assert budget_positions([model]) == [model.points[0].target_gmacs]
    assert view(model).start == 0


def test_the_dearest_point_within_the_budget_answers():
    (choices,) = view(made_up_model()).models
    targets = choices.targets
    assert choices.chosen(targets[7]) == 7
    assert choices.chosen(0.5 * (targets[7] + targets[8])) == 7
    assert choices.chosen(10 * targets[-1]) == len(targets) - 1
    assert choices.chosen(0.999 * targets[0]) is None
    assert plain(choices.too_little) == 'Not within this budget: needs 5.11 MMACs.'


def test_points_are_told_by_their_targets_in_whatever_order_they_come():
    model = made_up_model()
    backwards = dataclasses.replace(model, points=model.points[::-1])
    assert view(backwards) == view(model)


def test_the_page_opens_with_the_budget_of_its_title_or_the_middle():
    one = view(made_up_model())
    assert one.labels[one.start].replace('\xa0', ' ') == '11.4 MMACs'
    cheap, dear = made_up_model('cheap'), made_up_model('dear', scale=1.5)
    two = view(cheap, dear)
    low, high = dear.points[0].target_gmacs, cheap.points[-1].target_gmacs
    step = two.gmacs[1] - two.gmacs[0]
    assert 0 <= two.gmacs[two.start] - (low + high) / 2 < step
    static = static_model()
    dearest = dataclasses.replace(static.points[0], target_gmacs=dear.points[-1].target_gmacs)
    three = view(cheap, dear, dataclasses.replace(static, points=[dearest]))  # it has no say
    assert three.gmacs[three.start] == pytest.approx(two.gmacs[two.start], rel=0.05)
    apart = view(cheap, made_up_model('far', scale=9.0))  # no budget suits both: the dear one's
    assert apart.models[1].chosen(apart.gmacs[apart.start]) == 0


def test_what_is_said_about_a_point():
    model = made_up_model()
    (choices,) = view(model).models
    point, texts = model.points[16], choices.texts[16]
    run = model.latency.batches[1].dynamic[1]
    assert run.target_gmacs == point.target_gmacs
    shares = list(point.exit_shares.values())
    times = [exit.timing.ms_per_image for exit in model.latency.batches[1].exits]
    predicted = sum(share * time for share, time in zip(shares, times, strict=True))
    expected = {
        'top1': f'{point.top1_percent:.1f} %',
        'top1-interval': f'95 %: {point.top1_interval.low:.1f} to {point.top1_interval.high:.1f}',
        'cost': f'{1000 * point.gmacs_mean:.1f} MMACs',
        'target': f'{1000 * point.target_gmacs:.2f} MMACs',
        'part': f'{math.ceil(100 * point.gmacs_mean / model.exits[-1].gmacs)} %',
        'random': f'{point.random_top1_percent:.1f}',
        'share-1': f'{100 * shares[1]:.1f}',
        'right-2': f'{point.exit_top1_percent["feature"]:.1f}',
        'threshold-0': f'{point.thresholds["early"]:.4f}',
        'threshold-3': 'all the rest',
        'predicted-64': f'{predicted:.4f}',
        'predicted-speedup-64': f'{times[-1] / predicted:.2f}\N{MULTIPLICATION SIGN}',
        'measured-64': f'{run.timing.ms_per_image:.4f}',
        'measured-speedup-64': f'{run.realised_speedup:.2f}\N{MULTIPLICATION SIGN}',
    }
    assert {field: plain(texts[field]) for field in expected} == expected
    assert choices.texts[15]['measured-64'] == '\N{EN DASH}'
    assert choices.texts[0]['threshold-0'] == 'closed' or choices.shares[0][0] > 99
    assert choices.x['ms-64'][16] == pytest.approx(predicted)


@pytest.mark.parametrize(
    'used, said',
    [
        (1.0, 'on target'),
        (1.0004, 'on target'),
        (1.023, '2.3 % above it'),
        (0.99, '1.0 % below it'),
    ],
)
def test_realised_against_requested(used, said):
    model = made_up_model()
    point = model.points[5]
    model.points[5] = dataclasses.replace(point, gmacs_mean=used * point.target_gmacs)
    assert plain(view(model).models[0].texts[5]['off-target']) == said


@pytest.mark.parametrize(
    'mean, low, high, cost, said',
    [
        (9.43e-3, 9.31e-3, 9.61e-3, '9.43 MMACs', '95 %: 9.31 to 9.61'),
        (9.4312e-3, 9.4308e-3, 9.4316e-3, '9.431 MMACs', '95 %: 9.431 to 9.432'),
        (16.5e-3, 16.5e-3, 16.5e-3, '16.5 MMACs', 'the same in every bootstrap draw'),
    ],
)
def test_a_cost_lies_in_its_interval_as_shown(mean, low, high, cost, said):
    model = made_up_model()
    model.points[5] = dataclasses.replace(
        model.points[5], gmacs_mean=mean, gmacs_interval=Interval(low, high)
    )
    texts = view(model).models[0].texts[5]
    assert (plain(texts['cost']), plain(texts['cost-interval'])) == (cost, said)


def test_a_percentage_of_few_says_of_how_many():
    model = made_up_model()
    shares = {'early': 0.991, 'latent': 0.009, 'feature': 0.0, 'merged': 0.0}
    right = {'early': 80.0, 'latent': 66.7, 'feature': None, 'merged': None}
    model.points[5] = dataclasses.replace(
        model.points[5], exit_shares=shares, exit_top1_percent=right
    )
    texts = view(model).models[0].texts[5]
    assert texts['right-0'] == '80.0' and texts['right-1'] == '66.7 (n = 9)'


def test_an_exit_that_nobody_takes():
    model = made_up_model()
    point = model.points[5]
    model.points[5] = dataclasses.replace(
        point,
        exit_shares=point.exit_shares | {'latent': 0.0},
        exit_top1_percent=point.exit_top1_percent | {'latent': None},
        thresholds=point.thresholds | {'latent': None},
    )
    texts = view(model).models[0].texts[5]
    fields = ('share-1', 'right-1', 'threshold-1')
    assert [texts[field] for field in fields] == ['0.0', '\N{EN DASH}', 'closed']


def test_without_times_nothing_is_said_about_time():
    (choices,) = view(made_up_model(latency=False)).models
    assert list(choices.x) == ['macs']
    assert not any('predicted' in field for field in choices.texts[0])
