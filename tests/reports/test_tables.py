"""Tables: plain numbers with units in the names, the union of exits, gaps where nothing is."""

import csv
import dataclasses
import re

import numpy as np
import pytest

from dynp_plugins.errors import UserError
from reports.comparisons import pair_finding
from reports.tables import TEXTS, curve_frame, shown_points, terminal_summary, write_curve_csv

from .made_up_results import made_up_model, made_up_results, three_models, video_models


def test_curve_columns():
    assert list(curve_frame(made_up_results()).columns) == [
        'model',
        'source',
        'policy',
        'method',
        'measure',
        'target_gmacs',
        'calibration_gmacs_mean',
        'calibration_top1_percent',
        'gmacs_mean',
        'gmacs_mean_low',
        'gmacs_mean_high',
        'gflops_mean',
        'top1_percent',
        'top1_percent_low',
        'top1_percent_high',
        'random_top1_percent',
        'share_early',
        'share_latent',
        'share_feature',
        'share_merged',
        'exit_top1_percent_early',
        'exit_top1_percent_latent',
        'exit_top1_percent_feature',
        'exit_top1_percent_merged',
        'threshold_early',
        'threshold_latent',
        'threshold_feature',
    ]


def test_curve_rows_are_the_points():
    results = three_models(operating_points=False)
    frame = curve_frame(results)
    points = [point for model in results.models for point in model.points]
    assert len(frame) == len(points) == 99
    assert frame['model'].tolist()[::33] == [model.name for model in results.models]
    for column in ('target_gmacs', 'calibration_gmacs_mean', 'gmacs_mean', 'top1_percent'):
        assert frame[column].tolist() == [getattr(point, column) for point in points]
    for column, interval, end in (
        ('gmacs_mean_low', 'gmacs_interval', 'low'),
        ('gmacs_mean_high', 'gmacs_interval', 'high'),
        ('top1_percent_low', 'top1_interval', 'low'),
        ('top1_percent_high', 'top1_interval', 'high'),
    ):
        assert frame[column].tolist() == [getattr(getattr(p, interval), end) for p in points]
    assert set(frame['method']) == {'geometric'} and set(frame['measure']) == {'max_softmax'}
    assert set(frame['policy']) == {''}
    np.testing.assert_allclose(frame['gflops_mean'], 2 * frame['gmacs_mean'])
    shares = frame[[column for column in frame if column.startswith('share_')]]
    np.testing.assert_allclose(shares.sum(axis=1), 1)
    accuracies = frame[[f'exit_top1_percent_{c.removeprefix("share_")}' for c in shares]]
    summed = (shares.to_numpy() * accuracies.fillna(0).to_numpy())[frame['share_early'].notna()]
    np.testing.assert_allclose(
        np.nansum(summed, axis=1), frame['top1_percent'][frame['share_early'].notna()]
    )


def test_single_policies_are_rows_with_a_name():
    results = made_up_results()
    frame = curve_frame(results)
    assert len(frame) == 33 + 2
    risk, mine = frame.iloc[33], frame.iloc[34]
    names = [one.name for one in results.models[0].operating_points]
    assert [risk['policy'], mine['policy']] == names and (frame['policy'][:33] == '').all()
    assert (risk['method'], risk['measure']) == ('risk_control', 'max_softmax')
    assert (mine['method'], mine['measure']) == ('pareto', 'entropy')
    point = results.models[0].operating_points[1].point
    assert mine['top1_percent'] == point.top1_percent
    assert mine['threshold_early'] == point.thresholds['early']


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
    assert cheapest['threshold_early'] == 0 and np.isnan(cheapest['threshold_latent'])
    assert cheapest['exit_top1_percent_early'] == cheapest['top1_percent']
    assert np.isnan(cheapest['exit_top1_percent_latent'])


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
        if column in TEXTS:
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
    results = made_up_results(made_up_model(operating_points=False, latency=False))
    text = terminal_summary(results)
    lines = text.splitlines()
    assert len(lines) == 1 + 1 + 4 + 1 + 5
    assert text.isascii() and max(map(len, lines)) <= 100
    exit, last = results.models[0].exits[1], results.models[0].points[-1]

    def ends(interval):
        return [f'{interval.low:.2f}', 'to', f'{interval.high:.2f}']

    expected = ['latent', '9.40', f'{exit.test_top1_percent:.2f}', *ends(exit.test_top1_interval)]
    expected += [f'{exit.test_top5_percent:.2f}', f'{exit.mean_class_percent:.2f}']
    assert lines[3].split() == expected
    assert lines[1].endswith('95 % interval  top-5 %  mean class %')
    expected = ['target', '14.70', '14.70', f'{last.top1_percent:.2f}', *ends(last.top1_interval)]
    assert lines[-1].split() == [*expected, '0', '0', '0', '100']


def test_terminal_summary_shows_single_policies_times_and_comparisons():
    results = three_models()
    text = terminal_summary(results)
    blocks = text.split('\n\n')
    assert len(blocks) == 4 and text.isascii()
    for block, model in zip(blocks, results.models, strict=False):
        assert block.startswith(model.name)
        assert '  my_policy.json' in block
        assert 'as fast as the full network in batches of 64' in ' '.join(block.split())
    sentences = ' '.join(blocks[3].split())
    for comparison in results.comparisons:
        assert pair_finding(comparison, results) in sentences
    assert max(map(len, blocks[3].splitlines())) <= 100


def test_terminal_summary_without_a_top5():
    model = made_up_model(operating_points=False, latency=False)
    exits = [dataclasses.replace(exit, test_top5_percent=None) for exit in model.exits]
    lines = terminal_summary(made_up_results(dataclasses.replace(model, exits=exits))).splitlines()
    assert lines[1].endswith('95 % interval  mean class %') and 'top-5' not in ' '.join(lines)
    assert lines[3].split()[-1] == f'{exits[1].mean_class_percent:.2f}'


def test_terminal_summary_of_videos():
    text = terminal_summary(video_models())
    assert re.findall(r'\b(?:image|picture)s?\b', text, re.IGNORECASE) == []
    assert text.isascii() and max(map(len, text.splitlines())) <= 100
    shifted, _, plain, _ = text.split('\n\n')
    assert 'every video at' in shifted
    said = 'MACs per video count all 16 frames of 3x64x64: 2 views of 8 (test-time clips'
    assert said in ' '.join(shifted.split())
    assert 'all 16 frames of 3x64x64' in plain and 'views' not in plain


def test_nothing_to_summarise():
    with pytest.raises(UserError, match='no points'):
        terminal_summary(made_up_results(made_up_model(points=[])))
