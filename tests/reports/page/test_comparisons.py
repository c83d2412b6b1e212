"""Sentences about pairs of models say what the numbers say, no more."""

import dataclasses
from itertools import pairwise

import pytest

from benchmarks.interval import Interval
from benchmarks.latency_records import LatencyRatio
from benchmarks.results import Comparison
from reports.page.comparisons import (
    LEAST_APART,
    WIDTH,
    Estimate,
    comparison_rows,
    ratio_estimates,
    shared_scale,
)
from reports.page.page_panels import page_panels

from ..made_up_results import made_up_model, made_up_results

TIMES = '\N{MULTIPLICATION SIGN}'


def row(**changes):
    values = {
        'model': 0,
        'baseline': 1,
        'top1_percent': 91.2,
        'cost_ratio': 1.8,
        'cost_ratio_interval': Interval(1.6, 2.0),
        'gmacs': 9.3e-3,
        'top1_difference': 1.25,
        'top1_difference_interval': Interval(0.4, 2.0),
        'refusal': '',
    }
    models = made_up_model('A', latency=False), made_up_model('B', seed=1, latency=False)
    results = made_up_results(*models, comparisons=[Comparison(**(values | changes))])
    (found,) = comparison_rows(page_panels(results)[0])
    return found


def test_fewer_macs_at_equal_accuracy_and_more_accurate_at_equal_cost():
    found = row()
    assert found.cost.sentence == (
        f'A needs 1.80{TIMES} fewer MACs than B at equal accuracy, 91.2 % (95 %: 1.60 to 2.00)'
    )
    assert found.accuracy.sentence == (
        'A is 1.2 points more accurate than B at equal cost, 9.30 MMACs (95 %: 0.4 to 2.0)'
    )
    assert found.cost.sure and found.accuracy.sure
    assert (found.cost.dot, found.cost.low, found.cost.high) == (1.8, 1.6, 2.0)


def test_the_better_model_comes_first():
    found = row(
        cost_ratio=0.5,
        cost_ratio_interval=Interval(0.4, 0.8),
        top1_difference=-3.0,
        top1_difference_interval=Interval(-4.0, -1.5),
    )
    assert found.cost.sentence.startswith(f'B needs 2.00{TIMES} fewer MACs than A')
    assert '(95 %: 1.25 to 2.50)' in found.cost.sentence
    assert found.accuracy.sentence.startswith('B is 3.0 points more accurate than A')
    assert '(95 %: 1.5 to 4.0)' in found.accuracy.sentence


def test_an_interval_that_leaves_it_open_makes_no_claim():
    found = row(
        cost_ratio_interval=Interval(0.9, 2.0), top1_difference_interval=Interval(-0.1, 2.6)
    )
    assert not found.cost.sure and not found.accuracy.sure
    assert found.cost.sentence == (
        f'A and B cannot be told apart at equal accuracy, 91.2 %: 1.80{TIMES} (95 %: 0.90 to 2.00)'
    )
    assert found.accuracy.sentence == (
        'A and B cannot be told apart at equal cost, 9.30 MMACs: 1.2 points '
        '(95 %: \N{MINUS SIGN}0.1 to 2.6)'
    )


def test_a_refusal_is_given_with_its_reason():
    nothing = dict.fromkeys(('cost_ratio', 'cost_ratio_interval', 'top1_percent'))
    nothing |= dict.fromkeys(('gmacs', 'top1_difference', 'top1_difference_interval'))
    reasons = 'the curves have no accuracy in common', 'the curves have no mean cost in common'
    found = row(refusal='; '.join(reasons), **nothing)
    for half, what, reason in zip(
        (found.cost, found.accuracy), ('accuracy', 'cost'), reasons, strict=True
    ):
        assert half.sentence == f'A and B: not compared at equal {what}'
        assert half.dot is None and half.refusal == reason


@pytest.mark.parametrize(
    'missing, reason, said',
    [
        (
            ('cost_ratio', 'cost_ratio_interval', 'top1_percent'),
            'no comparison at accuracy 91.0667: the curve of B covers 93.2667 to 95.9333',
            'no comparison at accuracy 91.1: the curve of B covers 93.3 to 95.9',
        ),
        (
            ('top1_difference', 'top1_difference_interval', 'gmacs'),
            'no comparison at cost 0.0118354: the curve of B covers 0.0123 to 0.02',
            'no comparison at cost 11.8 MMACs: the curve of B covers 12.3 MMACs to 20.0 MMACs',
        ),
    ],
)
def test_a_reason_stands_where_something_is_missing_in_the_pages_numbers(missing, reason, said):
    found = row(refusal=reason, **dict.fromkeys(missing))
    halves = found.cost, found.accuracy
    with_reason, other = halves if missing[0] == 'cost_ratio' else halves[::-1]
    assert (with_reason.refusal, other.refusal) == (said, '')


def test_a_ratio_without_interval_says_so_and_is_not_sure():
    found = row(cost_ratio_interval=None, top1_difference_interval=None, refusal='why; no more')
    assert found.cost.sentence == (
        f'1.80{TIMES}, without an interval: A may need fewer MACs than B at equal accuracy, 91.2 %'
    )
    assert found.accuracy.sentence == (
        '1.2 points, without an interval: A may be more accurate than B at equal cost, 9.30 MMACs'
    )
    assert not found.cost.sure and not found.accuracy.sure
    assert (found.cost.refusal, found.accuracy.refusal) == ('why', 'no more')


def test_an_interval_shows_on_which_side_it_lies_and_holds_the_estimate():
    found = row(cost_ratio=12.34, cost_ratio_interval=Interval(12.31, 12.4)).cost
    assert f'12.3{TIMES}' in found.sentence and '(95 %: 12.3 to 12.4)' in found.sentence
    found = row(cost_ratio=1.2, cost_ratio_interval=Interval(1.003, 1.4)).cost
    assert '(95 %: 1.003 to 1.400)' in found.sentence and found.sure


def test_networks_side_by_side():
    models = made_up_model('A'), made_up_model('B', seed=1)
    results = made_up_results(*models)
    ratios = [
        LatencyRatio('A', 'B', 1, 0.5, Interval(0.4, 0.8)),
        LatencyRatio('A', 'B', 64, 1.01, Interval(0.99, 1.03)),
        LatencyRatio('A', 'elsewhere', 1, 3.0, Interval(2.9, 3.1)),
    ]
    timing = dataclasses.replace(results.timing, ratios=ratios)
    (panel,) = page_panels(dataclasses.replace(results, timing=timing))
    faster, even = ratio_estimates(panel)
    assert faster.sentence == (
        f'B takes 2.00{TIMES} as long as A, one image at a time (95 %: 1.25 to 2.50)'
    )
    assert even.sentence == (
        f'A and B cannot be told apart, in batches of 64: 1.01{TIMES} (95 %: 0.99 to 1.03)'
    )
    assert faster.sure and not even.sure


def test_a_scale_holds_all_intervals_and_says_where_no_difference_is():
    estimates = [Estimate('', True, 2.0, 1.5, 4.0), Estimate('', False, 1.1, 0.8, None)]
    scale = shared_scale(estimates, logarithmic=True)
    assert 6 <= scale.pixel(0.8) < scale.neutral < scale.pixel(1.1) < scale.pixel(4.0) <= WIDTH - 6
    half, double = scale.pixel(2.0) - scale.neutral, scale.pixel(4.0) - scale.neutral
    assert double == pytest.approx(2 * half)
    assert scale.ticks and all(0 <= x <= WIDTH for x, _ in scale.ticks)
    places = [x for x, _ in shared_scale([Estimate('', True, 30.0, 1.0, 60.0)], True).ticks]
    assert all(b - a >= LEAST_APART for a, b in pairwise(places))
    alone = shared_scale([Estimate('', False)], logarithmic=False)
    assert alone.pixel(0.0) == alone.neutral
