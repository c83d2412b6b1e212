"""Sentences about pairs of models claim what their intervals allow, and nothing else."""

import dataclasses

import pytest

from benchmarks.interval import Interval
from benchmarks.results import Comparison, SplitRecord
from reports.comparisons import (
    ahead,
    comparisons_of,
    find_comparison,
    pair_finding,
    panel_finding,
    rounded,
    turned,
)
from reports.findings import group_finding, results_finding
from reports.panels import panels

from .made_up_results import made_up_model, made_up_results, static_model, three_models


def compared(model=0, baseline=1, ratio=None, difference=None):
    """A comparison from (value, low, high) triples, or (value, None) without an interval."""

    def parts(triple):
        if triple is None:
            return None, None
        value, *ends = triple
        return value, Interval(*ends) if ends != [None] else None

    cost_ratio, cost_interval = parts(ratio)
    top1_difference, top1_interval = parts(difference)
    return Comparison(
        model=model,
        baseline=baseline,
        top1_percent=None if ratio is None else 75.0,
        cost_ratio=cost_ratio,
        cost_ratio_interval=cost_interval,
        gmacs=None if difference is None else 1.2,
        top1_difference=top1_difference,
        top1_difference_interval=top1_interval,
        refusal='' if ratio and difference else 'the curves do not overlap',
    )


def results_of(*comparisons, names='ab'):
    models = [made_up_model(name, scale=90, latency=False, gallery=False) for name in names]
    return made_up_results(*models, comparisons=list(comparisons))


CLEAR_RATIO, CLEAR_DIFFERENCE = (1.8, 1.6, 2.0), (2.0, 1.1, 2.9)


@pytest.mark.parametrize(
    'ratio, difference, verdict, said',
    [
        (
            CLEAR_RATIO,
            CLEAR_DIFFERENCE,
            1,
            'a needs 1.80x fewer MACs than b at 75.0 % accuracy (95 % interval 1.60 to 2.00)',
        ),
        (
            (0.5, 0.4, 0.625),
            (-2.0, -2.9, -1.1),
            -1,
            'b needs 2.00x fewer MACs than a at 75.0 % accuracy (95 % interval 1.60 to 2.50)',
        ),
        (
            (1.1, 0.9, 1.3),
            CLEAR_DIFFERENCE,
            1,
            'a is 2.0 points more accurate than b at 1.20 GMACs per image (95 % interval 1.1 to '
            '2.9)',
        ),
        (
            None,
            (-2.0, -2.9, -1.1),
            -1,
            'b is 2.0 points more accurate than a at 1.20 GMACs per image (95 % interval 1.1 to '
            '2.9)',
        ),
        (
            CLEAR_RATIO,
            None,
            1,
            'a needs 1.80x fewer MACs than b at 75.0 % accuracy (95 % interval 1.60 to 2.00)',
        ),
        (
            (1.1, 0.9, 1.3),
            (0.3, -0.4, 1.0),
            0,
            'a and b are too close to call: a difference of -0.4 to 1.0 points at 1.20 GMACs per '
            'image (95 % interval)',
        ),
        # The difference decides, even where the ratio alone looks clear.
        (
            CLEAR_RATIO,
            (0.3, -0.4, 1.0),
            0,
            'a and b are too close to call: a difference of -0.4 to 1.0 points at 1.20 GMACs per '
            'image (95 % interval)',
        ),
        (
            (1.1, 0.9, 1.3),
            None,
            0,
            'a and b are too close to call: 0.90 to 1.30x fewer MACs at 75.0 % accuracy (95 % '
            'interval)',
        ),
        (
            CLEAR_RATIO,
            (-2.0, -2.9, -1.1),
            None,
            'a and b cannot be compared: which is better depends on the budget',
        ),
        (
            (1.8, None),
            (2.0, None),
            None,
            'a and b cannot be compared: their curves overlap too little',
        ),
        (None, None, None, 'a and b cannot be compared: their curves overlap too little'),
    ],
)
def test_a_pair(ratio, difference, verdict, said):
    comparison = compared(ratio=ratio, difference=difference)
    assert ahead(comparison) == verdict
    assert pair_finding(comparison, results_of(comparison)) == said


def test_turned_round_a_pair_says_the_same():
    results = three_models()
    for comparison in results.comparisons:
        back = turned(comparison)
        assert (back.model, back.baseline) == (comparison.baseline, comparison.model)
        assert turned(back).cost_ratio_interval.low == pytest.approx(
            comparison.cost_ratio_interval.low
        )
        assert ahead(back) == -ahead(comparison)
        if ahead(comparison):
            assert pair_finding(back, results) == pair_finding(comparison, results)


def test_missing_values_stay_missing_when_turned():
    empty = compared()
    assert turned(empty) == dataclasses.replace(empty, model=1, baseline=0)


@pytest.mark.parametrize(
    'numbers, decimals, neutral, said',
    [
        ((1.26, 1.04, 1.5), 2, 1.0, ['1.26', '1.04', '1.50']),
        ((1.26, 1.004, 1.5), 2, 1.0, ['1.260', '1.004', '1.500']),
        ((0.3, -0.04, 0.6), 1, 0.0, ['0.30', '-0.04', '0.60']),
        ((0.3, 0.0, 0.6), 1, 0.0, ['0.3', '0.0', '0.6']),
        ((-0.0, 1.0), 1, 0.0, ['0.0', '1.0']),
    ],
)
def test_rounding_does_not_hide_on_which_side_a_number_lies(numbers, decimals, neutral, said):
    assert rounded(numbers, decimals, neutral) == said


@pytest.mark.parametrize(
    'comparisons, said',
    [
        # b beats both; a comes closer than c does.
        (
            [
                compared(0, 1, (0.5, 0.4, 0.625), (-2.0, -2.9, -1.1)),
                compared(0, 2, CLEAR_RATIO, CLEAR_DIFFERENCE),
                compared(1, 2, (3.0, 2.5, 3.5), (5.0, 4.0, 6.0)),
            ],
            'b is ahead of both others: it needs 2.00x fewer MACs than a at 75.0 % accuracy (95 % '
            'interval 1.60 to 2.50)',
        ),
        # a and c are unbeaten and not to be told apart.
        (
            [
                compared(0, 1, CLEAR_RATIO, CLEAR_DIFFERENCE),
                compared(0, 2, (1.0, 0.9, 1.1), (0.1, -0.7, 0.9)),
                compared(1, 2, (0.5, 0.4, 0.625), (-2.0, -2.9, -1.1)),
            ],
            'a and c are too close to call: a difference of -0.7 to 0.9 points at 1.20 GMACs per '
            'image (95 % interval)',
        ),
        # Nobody can be told from anybody.
        (
            [
                compared(i, k, (1.0, 0.9, 1.1), (0.1, -0.7, 0.9))
                for i, k in [(0, 1), (0, 2), (1, 2)]
            ],
            'None of the 3 models is ahead of all others',
        ),
        # a beats b, but nothing is known of a and c.
        (
            [
                compared(0, 1, CLEAR_RATIO, CLEAR_DIFFERENCE),
                compared(0, 2),
                compared(1, 2, (1.0, 0.9, 1.1), (0.1, -0.7, 0.9)),
            ],
            'None of the 3 models is ahead of all others',
        ),
        ([], '3 models, which cannot be compared with each other'),
    ],
)
def test_several_models(comparisons, said):
    results = results_of(*comparisons, names='abc')
    assert results_finding(results) == said
    # The order in which a pair is given changes nothing.
    other_way = [c if said.count('too close') else turned(c) for c in reversed(comparisons)]
    assert results_finding(results_of(*other_way, names='abc')) == said


def test_two_models_say_what_their_pair_says():
    results = made_up_results(made_up_model('ours'), static_model(skill=0.5))
    assert results_finding(results) == pair_finding(results.comparisons[0], results)


def test_only_pairs_of_one_panel_are_looked_at():
    other = {'test': SplitRecord('test', 1000, 'e' * 64)}
    models = [made_up_model('a'), made_up_model('x', **other), made_up_model('b', skill=1)]
    results = made_up_results(*models, made_up_model('y', **other))
    first, second = panels(results)
    assert (first.indices, second.indices) == ([0, 2], [1, 3])
    assert [(c.model, c.baseline) for c in comparisons_of(first, results)] == [(0, 2)]
    assert [(c.model, c.baseline) for c in comparisons_of(second, results)] == [(1, 3)]
    assert group_finding(first, results) == panel_finding(first, results)
    assert group_finding(first, results).startswith('b is 7')
    assert find_comparison(results, 0, 1) is None
    assert find_comparison(results, 2, 0) == turned(results.comparisons[0])
