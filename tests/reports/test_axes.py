"""Units and ranges follow the data."""

import pytest

from dynp_plugins.errors import UserError
from reports.axes import axis_ranges, check_drawable, cost_unit, published_between
from reports.published import ANYTIME, PublishedCurve

from .made_up_curves import plain_exit
from .made_up_results import made_up_model, made_up_results


def exits(*gmacs):
    return [plain_exit(f'exit {g}', g) for g in gmacs]


@pytest.mark.parametrize(
    'gmacs, macs, flops, number, cost',
    [
        ((0.00511, 0.0147), 'MMACs', 'MFLOPs', '14.70', '14.7 MMACs'),
        ((0.00511, 0.0999), 'MMACs', 'MFLOPs', '99.90', '99.9 MMACs'),
        ((0.00511, 0.1), 'GMACs', 'GFLOPs', '0.1000', '0.100 GMACs'),
        ((0.459, 1.298), 'GMACs', 'GFLOPs', '1.298', '1.30 GMACs'),
        ((12.0, 1234.0), 'GMACs', 'GFLOPs', '1234.0', '1234 GMACs'),
        ((0.0, 0.0), 'MMACs', 'MFLOPs', '0', '0 MMACs'),
    ],
)
def test_unit_and_digits_follow_the_costs(gmacs, macs, flops, number, cost):
    unit = cost_unit(made_up_results(made_up_model(exits=exits(*gmacs))))
    assert (unit.macs, unit.flops) == (macs, flops)
    assert unit.number(gmacs[-1]) == number
    assert unit.cost(gmacs[-1]) == cost


def test_ranges_hold_everything_that_is_drawn():
    results = made_up_results(made_up_model(), made_up_model('other', scale=3, skill=-1.5))
    (left, right), (bottom, top) = axis_ranges(results)
    for model in results.models:
        points = [*model.points, *(one.point for one in model.operating_points)]
        assert points
        for x, interval in [(p.gmacs_mean, p.top1_interval) for p in points] + [
            (e.gmacs, e.test_top1_interval) for e in model.exits
        ]:
            assert left < 1000 * x < right  # MMACs
            assert bottom < interval.low <= interval.high < top


def test_ranges_of_a_single_point_are_not_empty():
    model = made_up_model(exit_gmacs={'only': 0.004})
    (left, right), (bottom, top) = axis_ranges(made_up_results(model))
    assert left < 4 < right
    assert bottom < model.points[0].top1_percent < top


def test_ranges_of_some_models_are_theirs_alone():
    small, large = made_up_model(), made_up_model('large', scale=100)
    results = made_up_results(small, large)
    (_, right), _ = axis_ranges(results, [small])
    assert 14.7 < right < 17  # MMACs
    (_, right), _ = axis_ranges(results, [large])
    assert 1.47 < right < 1.7  # GMACs
    assert cost_unit(results, [small]).macs == 'MMACs'
    assert cost_unit(results).macs == cost_unit(results, [large]).macs == 'GMACs'


def test_published_curves_widen_the_accuracies_but_not_the_costs():
    results = made_up_results()
    ranges = axis_ranges(results)
    far = PublishedCurve('far', 'somewhere', ((1.0, 10.0), (2.0, 20.0)))
    assert axis_ranges(results, published=[far]) == ranges
    across = PublishedCurve('across', 'somewhere', ((0.001, 10.0), (0.101, 60.0)))
    (left, right), (bottom, top) = axis_ranges(results, published=[across])
    assert (left, right) == ranges[0] and top >= ranges[1][1]
    assert bottom < 10 + 50 * (left / 1000 - 0.001) / 0.1 < ranges[1][0]


def test_published_between():
    line = PublishedCurve('line', 'somewhere', ((1.0, 10.0), (2.0, 20.0), (4.0, 30.0)))
    assert published_between(line, 1.5, 3.0) == [20.0, 15.0, 25.0]
    assert published_between(line, 2.2, 2.4) == pytest.approx([21.0, 22.0])
    assert published_between(line, 5.0, 6.0) == published_between(line, 0.0, 0.9) == []
    marks = PublishedCurve('marks', 'somewhere', line.points, ANYTIME, ('a', 'b', 'c'))
    assert published_between(marks, 1.5, 3.0) == [20.0]  # nothing lies between exits


@pytest.mark.parametrize(
    'tasks, sample',
    [
        (['classification'], 'image'),
        (['action recognition'], 'video'),
        (['action recognition', 'classification'], 'sample'),
    ],
)
def test_costs_are_of_images_or_videos(tasks, sample):
    results = made_up_results(*(made_up_model(task=task) for task in tasks))
    assert cost_unit(results).sample == sample
    for model in results.models:  # and each by itself is of what it is
        word = 'video' if model.task == 'action recognition' else 'image'
        assert cost_unit(results, [model]).sample == word
    assert f'per {sample},' in cost_unit(results).axis_title


@pytest.mark.parametrize('missing', ['exits', 'points'])
def test_a_model_without_a_curve_is_named(missing):
    results = made_up_results(made_up_model('good'), made_up_model('empty one', **{missing: []}))
    with pytest.raises(UserError, match=f"'empty one' hold no {missing}"):
        check_drawable(results)


def test_no_model():
    with pytest.raises(UserError, match='no model'):
        check_drawable(made_up_results(models=[]))
