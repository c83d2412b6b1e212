"""Tables: plain numbers with units in the names, the union of exits, gaps where nothing is."""

import csv

import numpy as np
import pytest

from dynp_plugins.errors import UserError
from reports.tables import curve_frame, shown_points, terminal_summary, write_curve_csv

from .made_up_results import made_up_model, made_up_results, three_models


def test_curve_columns():
    assert list(curve_frame(made_up_results()).columns) == [
        'model',
        'source',
        'target_gmacs',
        'calibration_gmacs_mean',
        'calibration_top1_percent',
        'gmacs_mean',
        'gflops_mean',
        'top1_percent',
        'share_early',
        'share_latent',
        'share_feature',
        'share_merged',
        'threshold_early',
        'threshold_latent',
        'threshold_feature',
    ]


def test_curve_rows_are_the_points():
    results = three_models()
    frame = curve_frame(results)
    points = [point for model in results.models for point in model.points]
    assert len(frame) == len(points) == 99
    assert frame['model'].tolist()[::33] == [model.name for model in results.models]
    for column in ('target_gmacs', 'calibration_gmacs_mean', 'gmacs_mean', 'top1_percent'):
        assert frame[column].tolist() == [getattr(point, column) for point in points]
    np.testing.assert_allclose(frame['gflops_mean'], 2 * frame['gmacs_mean'])
    shares = frame[[column for column in frame if column.startswith('share_')]]
    np.testing.assert_allclose(shares.sum(axis=1), 1)


def test_gaps_where_an_exit_does_not_exist_or_nobody_leaves():
    results = three_models()
    frame = curve_frame(results)
    ours, other = frame[frame['model'] != 'msdnet_step2'], frame[frame['model'] == 'msdnet_step2']
    assert ours['share_block 1'].isna().all() and ours['threshold_block 1'].isna().all()
    assert other['share_merged'].isna().all() and other['share_block 5'].notna().all()
    assert 'threshold_block 5' not in frame and 'threshold_merged' not in frame
    dearest = ours.iloc[32]  # everybody goes to the end
    assert dearest['share_merged'] == 1 and np.isnan(dearest['threshold_early'])
    assert dearest['share_early'] == 0
    cheapest = ours.iloc[0]
    assert 0 < cheapest['threshold_early'] < 1 and np.isnan(cheapest['threshold_latent'])


def test_columns_are_numbers_also_when_all_are_missing():
    results = made_up_results(made_up_model())
    for point in results.models[0].points:
        point.thresholds['latent'] = None
    frame = curve_frame(results)
    assert frame['threshold_latent'].dtype == float and frame['threshold_latent'].isna().all()


def test_csv_gives_the_same_numbers_back(tmp_path):
    path = tmp_path / 'curve.csv'
    results = made_up_results(made_up_model('name, with "quotes"'), made_up_model('other', seed=1))
    write_curve_csv(results, path)
    frame = curve_frame(results)
    with path.open(encoding='utf-8', newline='') as file:
        rows = list(csv.DictReader(file))
    assert list(rows[0]) == list(frame.columns)
    for column in frame.columns:
        cells = [row[column] for row in rows]
        if column in ('model', 'source'):
            assert cells == frame[column].tolist()
        else:  # an empty cell is a missing value
            np.testing.assert_array_equal([float(cell or 'nan') for cell in cells], frame[column])
    text = path.read_bytes().decode()
    assert '\r' not in text and 'nan' not in text.lower()


def test_shown_points_span_the_curve():
    model = made_up_model()
    points = shown_points(model, 5)
    assert len(points) == 5
    assert points[0] == model.points[0] and points[-1] == model.points[-1]
    costs = np.array([point.gmacs_mean for point in points])
    steps = np.diff(costs) / (costs[-1] - costs[0])
    assert (steps > 0.2).all() and (steps < 0.3).all()
    assert shown_points(made_up_model(points=model.points[:1]), 5) == model.points[:1]


def test_terminal_summary_is_short_and_says_the_numbers():
    results = made_up_results()
    text = terminal_summary(results)
    lines = text.splitlines()
    assert len(lines) == 1 + 1 + 4 + 1 + 5
    assert text.isascii() and max(map(len, lines)) <= 100
    exit = results.models[0].exits[1]
    assert lines[3].split() == ['latent', '9.40', f'{exit.test_top1_percent:.2f}']
    point = results.models[0].points[-1]
    expected = ['target', '14.70', '14.70', f'{point.top1_percent:.2f}', '0', '0', '0', '100']
    assert lines[-1].split() == expected
    assert len(terminal_summary(three_models()).splitlines()) == 12 + 12 + 13 + 2


def test_nothing_to_summarise():
    with pytest.raises(UserError, match='no points'):
        terminal_summary(made_up_results(made_up_model(points=[])))
