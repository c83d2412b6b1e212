"""Units and ranges follow the data."""

import pytest

from benchmarks.results import ExitRecord
from dynp_plugins.errors import UserError
from reports.axes import axis_ranges, check_drawable, cost_unit

from .made_up_results import made_up_model, made_up_results


def exits(*gmacs):
    return [ExitRecord(f'exit {g}', g, 2 * g, 50.0, 50.0, None) for g in gmacs]


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
        for x, y in [(p.gmacs_mean, p.top1_percent) for p in model.points] + [
            (e.gmacs, e.test_top1_percent) for e in model.exits
        ]:
            assert left < 1000 * x < right  # MMACs
            assert bottom < y < top


def test_ranges_of_a_single_point_are_not_empty():
    model = made_up_model(exit_gmacs={'only': 0.004})
    (left, right), (bottom, top) = axis_ranges(made_up_results(model))
    assert left < 4 < right
    assert bottom < model.points[0].top1_percent < top


@pytest.mark.parametrize('missing', ['exits', 'points'])
def test_a_model_without_a_curve_is_named(missing):
    results = made_up_results(made_up_model('good'), made_up_model('empty one', **{missing: []}))
    with pytest.raises(UserError, match=f"'empty one' hold no {missing}"):
        check_drawable(results)


def test_no_model():
    with pytest.raises(UserError, match='no model'):
        check_drawable(made_up_results(models=[]))
