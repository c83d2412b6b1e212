"""Pairs of measured models: which are compared, and what is said of them."""

from dataclasses import replace

import pytest

from benchmarks.comparisons import compare_models
from tests.benchmarks.measured import measured_model


@pytest.fixture(scope='module')
def weak():
    return measured_model('weak')


@pytest.fixture(scope='module')
def strong():
    return measured_model('strong', skill=0.7, seed=1)


def test_the_better_network_needs_less_and_gets_more(weak, strong):
    (found,) = compare_models([strong, weak])
    assert (found.model, found.baseline, found.refusal) == (0, 1, '')
    assert found.cost_ratio_interval.low > 1
    assert found.cost_ratio_interval.low < found.cost_ratio < found.cost_ratio_interval.high
    assert found.top1_difference_interval.low > 0
    assert 1 < found.gmacs < 4


def test_turned_round_it_is_the_inverse(weak, strong):
    (one,), (other,) = compare_models([strong, weak]), compare_models([weak, strong])
    assert one.cost_ratio == pytest.approx(1 / other.cost_ratio)
    assert one.top1_difference == pytest.approx(-other.top1_difference)
    assert one.top1_percent == other.top1_percent


def test_a_model_against_itself_is_equal_without_doubt(weak):
    """Only a paired bootstrap knows that."""
    (found,) = compare_models([weak, weak])
    interval = found.cost_ratio_interval
    assert (interval.low, found.cost_ratio, interval.high) == (1, 1, 1)
    assert found.top1_difference_interval.high == 0


def test_a_static_network_is_compared_at_its_own_accuracy(strong):
    static = measured_model('static', exits=1, skill=1.2, exit_gmacs=[2.5])
    (found,) = compare_models([strong, static])
    assert found.top1_percent == static.result.exits[0].test_top1_percent
    assert found.gmacs == 2.5


def test_a_model_may_spend_less_than_it_is_given(strong):
    """Beyond its best budget its accuracy is that of this budget."""
    best = max(range(9), key=lambda i: strong.result.points[i].calibration_top1_percent)
    points = strong.result.points
    worse = [replace(p, calibration_top1_percent=50.0) for p in points[best + 1 :]]
    assert worse
    model = replace(strong, result=replace(strong.result, points=[*points[: best + 1], *worse]))
    static = measured_model('static', exits=1, skill=1.2, exit_gmacs=[3.95])
    (found,) = compare_models([model, static])
    single = static.result.exits[0].test_top1_percent
    assert found.gmacs == 3.95
    assert found.top1_difference == pytest.approx(points[best].top1_percent - single)


def test_curves_that_do_not_overlap_are_refused(weak):
    giant = measured_model('giant', skill=30, exit_gmacs=[50, 60, 70, 80])
    (found,) = compare_models([giant, weak])
    assert found.cost_ratio is None and found.top1_difference is None
    assert 'no accuracy in common' in found.refusal
    assert 'no mean cost in common' in found.refusal


def test_only_models_of_the_same_test_split_are_compared(weak, strong):
    elsewhere = replace(strong.result, test=replace(strong.result.test, sha256='others'))
    assert compare_models([weak, replace(strong, result=elsewhere)]) == []
    assert len(compare_models([weak, strong, weak])) == 3


def test_a_test_split_that_is_easier_than_the_calibration_split(weak, strong):
    """Both models gain by it, and are compared at an accuracy that both have there."""
    easier = [
        replace(model, calibration=None, result=replace(model.result, points=harder(model)))
        for model in (strong, weak)
    ]
    (found,), (as_before,) = compare_models(easier), compare_models([strong, weak])
    assert found.refusal == ''
    assert found.cost_ratio == pytest.approx(as_before.cost_ratio)


def test_the_best_looking_of_many_equal_budgets_does_not_count():
    """All budgets of this model are as good; on the test split one looks better by chance."""
    plain = measured_model('plain')
    one = plain.result.points[4]
    equal = [replace(one, calibration_gmacs_mean=2 + 0.1 * k) for k in range(9)]
    lucky = [equal[0], *(replace(p, top1_percent=p.top1_percent + 5) for p in equal[1:])]
    found, same = (
        compare_models([plain, replace(plain, result=replace(plain.result, points=points))])
        for points in (lucky, equal)
    )
    assert found == same


def harder(model):
    """The points, as if the calibration split had been much harder."""
    return [
        replace(point, calibration_top1_percent=point.calibration_top1_percent - 30)
        for point in model.result.points
    ]
