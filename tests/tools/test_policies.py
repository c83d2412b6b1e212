"""Policies on the command line: chosen, tested, drawn; and reports that are checked."""

import json

import pytest

from benchmarks.results import read_results
from dynp_plugins.early_exit import ALWAYS, ExitPolicy, ExitTable, choose_exits
from tests.tools.command_lines import CONFIG, SMALL, refused

MODEL = 'dyn-perceiver_regnety-tiny_digits'


@pytest.fixture
def report(run, checkpoint, tmp_path):
    """A small report's folder."""
    status, _, error = run('budget_curve', CONFIG, checkpoint, '--out', 'r', *SMALL)
    assert status == 0, error
    return tmp_path / 'r'


def test_a_policy_from_the_table_to_the_page(run, checkpoint, report, tmp_path, monkeypatch):
    table = report / f'tables/{MODEL}_calibration.npz'
    arguments = ('choose_policy', table, '--budget-gmacs', '0.012', '--measure', 'margin')
    status, out, error = run(*arguments, '--method', 'pareto', '--out', 'p.json')
    assert status == 0, error
    assert 'on 256 calibration samples' in out
    refused(run(*arguments, '--out', 'p.json'), 'p.json exists already', '--overwrite')
    refused(run(*arguments, '--out', 'p.txt'), 'name a .json file')
    policy = ExitPolicy.load('p.json')
    assert policy.expected.gmacs_mean <= 0.012

    status, out, error = run(
        'test', CONFIG, checkpoint, '--policy', 'p.json', '--out', 'm.json', *SMALL
    )
    assert status == 0, error
    metrics = json.loads((tmp_path / 'm.json').read_text())
    test = ExitTable.load(report / f'tables/{MODEL}_test.npz')
    exits = choose_exits(test.confidence('margin'), policy.thresholds)
    assert metrics['early_exit/top1'] == pytest.approx(100 * test.correct[range(256), exits].mean())
    assert metrics['early_exit/share_early'] == pytest.approx((exits == 0).mean())
    assert 'accuracy/early_top1' in metrics

    monkeypatch.setattr('benchmarks.budget_curve.run_exit_pass', None)  # not to be called again
    status, out, error = run(
        *('budget_curve', CONFIG, checkpoint, '--out', 'r', '--policy', 'p.json'),
        *('--risk', '0.2', '0.2', '--reuse-tables', *SMALL),
    )
    assert status == 0, error
    (model,) = read_results(report / 'results.json').models
    risk, mine = model.operating_points
    assert (mine.name, mine.measure, mine.method) == ('p', 'margin', 'pareto')
    assert mine.point.top1_percent == pytest.approx(metrics['early_exit/top1'])
    assert (risk.method, risk.settings['epsilon']) == ('risk_control', 0.2)
    saved = ExitPolicy.load(report / f'policies/{MODEL}_risk_control_0.2_0.2.json')
    assert saved.thresholds_by_exit == risk.point.thresholds
    assert run('budget_curve', '--check', 'r') == (0, 'r: nothing impossible found\n', '')


def test_check_names_what_cannot_be(run, report):
    results = json.loads((report / 'results.json').read_text())
    results['models'][0]['points'][4]['top1_percent'] = 100.0
    (report / 'results.json').write_text(json.dumps(results))
    status, out, _ = run('budget_curve', '--check', 'r')
    assert status == 1
    assert f'{MODEL}: at the budget of' in out
    assert 'above the oracle' in out
    refused(run('budget_curve', '--check', 'nowhere'), 'nowhere', 'is not a results file')


def test_policies_that_do_not_fit_are_refused_before_anything_runs(run, checkpoint, tmp_path):
    names = ('early', 'latent', 'feature', 'merged')
    ExitPolicy(names, 'margin', (0.5, 0.5, 0.5, ALWAYS), weights_sha256='x' * 64).save('w.json')
    ExitPolicy(('a', 'b'), 'margin', (0.5, ALWAYS)).save('e.json')
    curve = ('budget_curve', CONFIG, checkpoint, '--out', 'r', *SMALL, '--policy')
    refused(run(*curve, 'w.json'), 'w.json was made for a model with other weights')
    refused(run(*curve, 'gone.json'), 'gone.json is not a policy file')
    refused(run(*curve, 'e.json'), 'exits a, b, but this network has early')
    assert not (tmp_path / 'r').exists()
    test = ('test', CONFIG, checkpoint, *SMALL, '--policy')
    refused(run(*test, 'w.json'), 'other weights')


def test_wishes_that_the_table_cannot_meet(run, report):
    table = report / f'tables/{MODEL}_calibration.npz'
    arguments = ('choose_policy', table, '--out', 'p.json')
    refused(run(*arguments, '--budget-gmacs', '5'), 'budget of 5 GMACs lies outside')
    refused(run(*arguments, '--budget-gmacs', '0.001'), 'budget of 0.001 GMACs lies outside')
    refused(run(*arguments, '--risk', '0.001', '0.05'), 'need at least')
    test = report / f'tables/{MODEL}_test.npz'
    refused(
        run('choose_policy', test, '--budget-gmacs', '0.012', '--out', 'p.json'),
        'chosen on the calibration split alone',
    )
    refused(run('choose_policy', 'no.npz', '--budget-gmacs', '1', '--out', 'p.json'), 'no.npz')


def test_what_to_do_must_be_said(run):
    for arguments in ((), (CONFIG, 'x.pth'), (CONFIG, 'x.pth', '--out', 'r', '--check', 'r')):
        status, _, error = run('budget_curve', *arguments)
        assert status == 2
        assert 'give' in error
