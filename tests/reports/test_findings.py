"""The sentences are true of the data, and say nothing where there is nothing to say."""

import dataclasses

import pytest

from benchmarks.results import SplitRecord, TrainingRecord
from reports.axes import cost_unit
from reports.findings import (
    best_saving,
    control_finding,
    exits_finding,
    leaving_finding,
    model_finding,
    oracle_finding,
    results_finding,
    shown_point,
    training_finding,
)

from .made_up_curves import plain_exit, plain_point
from .made_up_results import (
    made_up_model,
    made_up_results,
    static_model,
    three_models,
    video_fields,
)


def curve(*points, exits=((1.0, 60.0), (2.0, 80.0)), name='network', samples=1000, **changes):
    """A model with (gmacs, top-1) points and (gmacs, top-1) exits named a, b, ..."""
    names = 'abcdefgh'[: len(exits)]
    return made_up_model(
        name,
        **{
            'exits': [plain_exit(n, *exit) for n, exit in zip(names, exits, strict=True)],
            'points': [plain_point(*point, names) for point in points],
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


def alone(point, exit):
    """The same budget with one exit answering everybody."""
    shares = {name: float(name == exit) for name in point.exit_shares}
    return dataclasses.replace(point, exit_shares=shares)


def test_one_exit_answering_everybody_is_no_saving():
    model = curve((1.0, 79.9), (1.5, 80), (2, 80), exits=((1.0, 79.9), (2.0, 80.0)))
    cheap, middle, full = model.points
    model = dataclasses.replace(model, points=[alone(cheap, 'a'), middle, alone(full, 'b')])
    assert finding(model) == "The full network's accuracy at 75 % of its MACs"
    without = dataclasses.replace(model, points=[alone(cheap, 'a'), alone(full, 'b')])
    assert best_saving(without) is None
    uneven = dataclasses.replace(
        model, points=[alone(cheap, 'a'), dataclasses.replace(middle, top1_percent=10.0), full]
    )
    assert shown_point(uneven) is uneven.points[1]


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


def test_different_test_images_are_not_compared():
    a, b = curve((1, 60), name='a'), curve((1, 90), name='b')
    b = dataclasses.replace(b, test=SplitRecord('test', 1000, 'e' * 64))
    assert 'not to be compared' in results_finding(made_up_results(a, b))
    c = dataclasses.replace(b, name='c')
    assert results_finding(made_up_results(a, b, c)) == (
        '3 models on 2 test splits: only those of the same split are compared'
    )


def test_leaving_by_confidence_is_set_against_leaving_at_random():
    model = made_up_model()
    point = shown_point(model)
    said = control_finding(model, cost_unit(made_up_results(model)))
    assert f'reaches {point.top1_percent:.1f} %' in said
    assert f'would reach {point.random_top1_percent:.1f} %' in said
    assert point.random_top1_percent < point.top1_percent


def test_the_oracle_bounds_what_can_be_reached():
    model = made_up_model()
    said = oracle_finding(model, cost_unit(made_up_results(model)))
    assert f'would reach {model.statistics.oracle_top1_percent:.1f} % at ' in said
    assert f'has {model.statistics.overthinking_percent:.1f} % of the test images right' in said
    assert model.statistics.oracle_top1_percent >= max(p.top1_percent for p in model.points)


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


def test_models_trained_alike_are_said_to_be():
    alike = made_up_results(made_up_model('a'), made_up_model('b', seed=1))
    assert training_finding(alike) == (
        'Both models were trained on embedded digits for 8 epochs with AdamW'
    )
    longer = TrainingRecord('embedded digits', 20, 'SGD', 0.1, 64)
    unlike = made_up_results(made_up_model('a'), made_up_model('b', training=longer))
    assert training_finding(unlike) == (
        'These models were not trained alike: they differ in epochs and optimizer'
    )


def test_one_model_and_three_models_trained_alike():
    assert training_finding(made_up_results()).startswith('Trained on embedded digits')
    assert training_finding(three_models()).startswith('All 3 models were trained')


@pytest.mark.parametrize('unknown', [None, TrainingRecord('digits', None, 'SGD', 0.1, 64)])
def test_nothing_is_said_of_a_training_that_nobody_knows(unknown):
    assert training_finding(made_up_results(made_up_model('a', training=unknown))) == ''


def test_a_static_network_has_one_point():
    static = static_model()
    assert model_finding(static, cost_unit(made_up_results(static))).startswith('Top-1 is')


def test_videos_are_called_videos():
    model = made_up_model(**video_fields())
    results = made_up_results(model)
    unit = cost_unit(results)
    for said in (leaving_finding(model, unit), control_finding(model, unit)):
        assert 'per video' in said and 'image' not in said


def test_models_for_different_tasks_are_not_to_be_compared():
    models = made_up_model('a'), made_up_model('b', **video_fields())
    assert results_finding(made_up_results(*models)) == (
        '2 models for different tasks, classification and action recognition: not to be compared'
    )
    other = made_up_model('c', **video_fields(name='other'))
    assert results_finding(made_up_results(models[1], other)) == (
        '2 models, tested on different videos: not to be compared'
    )
