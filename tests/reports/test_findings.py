"""The sentences are true of the data, and say nothing where there is nothing to say."""

import dataclasses
import re

import pytest

from benchmarks.results import CurvePoint, ExitRecord, SplitRecord, TrainingRecord
from reports.axes import cost_unit
from reports.findings import (
    best_saving,
    exits_finding,
    leaving_finding,
    model_finding,
    noise,
    results_finding,
    shown_point,
    training_finding,
)

from .made_up_results import made_up_model, made_up_results, three_models


def curve(*points, exits=((1.0, 60.0), (2.0, 80.0)), name='network', samples=1000, **changes):
    """A model with (gmacs, top-1) points and (gmacs, top-1) exits named a, b, ..."""
    names = 'abcdefgh'[: len(exits)]
    return made_up_model(
        name,
        **{
            'exits': [
                ExitRecord(n, gmacs, 2 * gmacs, top1, top1, None)
                for n, (gmacs, top1) in zip(names, exits, strict=True)
            ],
            'points': [
                CurvePoint(
                    gmacs, gmacs, top1, gmacs, top1, dict.fromkeys(names, 1 / len(names)), {}
                )
                for gmacs, top1 in points
            ],
            'test': SplitRecord('test', samples, 'f' * 64),
        }
        | changes,
    )


def finding(model):
    return model_finding(model, cost_unit(made_up_results(model)))


@pytest.mark.parametrize(
    'points, said',
    [
        # 79/80 is 98.75 %: rounded down. 1.23/2 is 61.5 %: rounded up.
        ([(1, 60), (1.23, 79), (2, 80)], "98 % of the full network's accuracy at 62 % of its MACs"),
        ([(1, 60), (1.2, 80), (2, 80)], "The full network's accuracy at 60 % of its MACs"),
        ([(1, 60), (1.2, 81), (2, 80)], "The full network's accuracy at 60 % of its MACs"),
        # A point of accuracy is worth ten of cost: 99 % at 60 % beats 98 % at 51 %, not at 49 %.
        (
            [(1.02, 78.5), (1.2, 79.3), (2, 80)],
            "99 % of the full network's accuracy at 60 % of its MACs",
        ),
        (
            [(0.98, 78.5), (1.2, 79.3), (2, 80)],
            "98 % of the full network's accuracy at 49 % of its MACs",
        ),
        # Nothing is saved for little: 1.62/2 is 81 %, and 71.9/80 is 89 %.
        (
            [(1, 60), (1.2, 71.9), (1.62, 80), (2, 80)],
            'Top-1 goes from 60.0 % at 1.00 GMACs to 80.0 % at 2.00 GMACs',
        ),
        ([(2, 80)], 'Top-1 is 80.0 % at 2.00 GMACs'),
    ],
)
def test_saving(points, said):
    assert finding(curve(*points)) == said


def test_the_calibration_split_chooses_what_is_said():
    """The point that flatters most on the test split is not picked for that."""
    model = curve((1.1, 78), (1.2, 79.3), (2, 80))
    flattering, honest, full = model.points
    model = dataclasses.replace(
        model,
        points=[
            dataclasses.replace(flattering, top1_percent=95.0),
            dataclasses.replace(honest, top1_percent=77.0),
            full,
        ],
    )
    assert finding(model) == "96 % of the full network's accuracy at 60 % of its MACs"
    assert best_saving(model).point.top1_percent == 77.0


def test_saving_is_true_of_measured_looking_curves():
    for seed in range(20):
        model = made_up_model(seed=seed)
        saving, full = best_saving(model), model.exits[-1]
        if saving is None:
            continue
        accuracy, cost = saving.accuracy_percent / 100, saving.cost_percent / 100
        assert saving.point in model.points
        assert saving.point.top1_percent >= accuracy * full.test_top1_percent - 1e-9
        assert saving.point.gmacs_mean <= cost * full.gmacs + 1e-9
        assert cost <= 0.8 and accuracy >= 0.9
        break
    else:
        pytest.fail('no made-up curve has a saving')


def test_accuracy_of_zero_has_no_saving():
    model = curve((1, 0), (2, 0), exits=((1, 0), (2, 0)))
    assert best_saving(model) is None
    assert finding(model).startswith('Top-1 goes from 0.0 %')


def test_comparison_names_the_best_within_a_common_budget():
    a = curve((1, 60), (1.5, 70), (2, 80), name='a')
    b = curve((1.4, 90), (3, 95), name='b', exits=((1.4, 90.0), (3.0, 95.0)))
    # Common costs go from 1.4 to 2; at 1.7, a has its 70 % point.
    assert results_finding(made_up_results(a, b)) == (
        'With at most 1.70 GMACs per image, b is the most accurate: 90.0 %, before a with 70.0 %'
    )


def test_comparison_of_models_without_a_common_cost():
    a = curve((1, 60), (2, 80), name='a')
    b = curve((5, 90), (8, 95), name='b', exits=((5.0, 90.0), (8.0, 95.0)))
    assert results_finding(made_up_results(a, b)) == (
        'With at most 5.00 GMACs per image, b is the most accurate: 90.0 %, before a with 80.0 %'
    )


@pytest.mark.parametrize('samples, close', [(1000, True), (100_000, False)])
def test_differences_within_noise_are_not_called(samples, close):
    a = curve((1, 80), (2, 80), name='a', samples=samples)
    b = curve((1, 81), (2, 81), name='b', samples=samples)
    assert ('too close to call' in results_finding(made_up_results(a, b))) is close


def test_noise_is_the_normal_interval_of_a_difference():
    assert noise(50, 10_000) == pytest.approx(196 * (2 * 0.25 / 10_000) ** 0.5)
    assert noise(100, 100) > 0


def test_different_test_images_are_not_compared():
    a, b = curve((1, 60), name='a'), curve((1, 90), name='b')
    b = dataclasses.replace(b, test=SplitRecord('test', 1000, 'e' * 64))
    assert 'not to be compared' in results_finding(made_up_results(a, b))


def test_leaving_counts_those_who_leave_before_the_last_exit():
    model = made_up_model()
    point = shown_point(model)
    left = sum(share for exit, share in point.exit_shares.items() if exit != 'merged')
    said = leaving_finding(model, cost_unit(made_up_results(model)))
    assert f', {int(100 * left + 1e-6)} % of the test images' in said
    assert f'At {1000 * point.gmacs_mean:.3g} MMACs' in said


@pytest.mark.parametrize(
    'accuracies, said',
    [
        ((60, 70, 80), 'Every exit is more accurate than the one before: 60.0 % at a, 80.0 % at c'),
        ((60, 50, 80), 'The most accurate exit is c with 80.0 %'),
        ((60, 85, 80), 'The most accurate exit is b with 85.0 %; c costs more and reaches 80.0 %'),
        ((60,), 'The only exit, a, reaches 60.0 %'),
    ],
)
def test_exits(accuracies, said):
    exits = [(1.0 + k, float(top1)) for k, top1 in enumerate(accuracies)]
    assert exits_finding(curve((1, 60), exits=exits)) == said


def test_three_models_have_a_finding():
    assert results_finding(three_models()).startswith('With at most')


def test_models_trained_alike_are_said_to_be():
    alike = made_up_results(made_up_model('a'), made_up_model('b', seed=1))
    assert training_finding(alike) == (
        'All 2 models were trained on embedded digits for 8 epochs with AdamW'
    )
    longer = TrainingRecord('embedded digits', 20, 'SGD', 0.1, 64)
    unlike = made_up_results(made_up_model('a'), made_up_model('b', training=longer))
    assert training_finding(unlike) == (
        'These models were not trained alike: they differ in epochs and optimizer'
    )


@pytest.mark.parametrize('unknown', [None, TrainingRecord('digits', None, 'SGD', 0.1, 64)])
def test_nothing_is_said_of_a_training_that_nobody_knows(unknown):
    assert training_finding(made_up_results(made_up_model('a', training=unknown))) == ''


def test_a_static_network_among_the_others():
    """It has one exit and one point, and competes like the rest."""
    static = made_up_model('static', exit_gmacs={'final': 12e-3}, skill=1.5)
    static = dataclasses.replace(static, points=static.points[:1])
    finding = results_finding(made_up_results(made_up_model('ours'), static))
    assert re.match(r'With at most 12\.\d* MMACs per image, ours ', finding)
    assert model_finding(static, cost_unit(made_up_results(static))).startswith('Top-1 is')
