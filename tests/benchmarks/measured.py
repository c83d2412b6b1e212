"""Measured models made from simulated exit tables, and a report folder of them."""

from pathlib import Path

from benchmarks.check_results import table_name
from benchmarks.comparisons import MeasuredModel, compare_models
from benchmarks.curve import curve_points, operating_points, target_budgets
from benchmarks.exit_records import exit_records, exit_statistics
from benchmarks.results import (
    SCHEMA_VERSION,
    FileRecord,
    ModelResult,
    Results,
    SplitRecord,
    write_results,
)
from dynp_plugins.early_exit import choose_policies, risk_controlled_policy
from tests.exit_tables import random_tables


def measured_model(name='net', exits=4, seed=0, skill=0.0, budgets=9, **manifest):
    """A model whose tables are simulated; models share their test samples."""
    calibration, test = random_tables(exits=exits, seed=seed, skill=skill, model=name, **manifest)
    gmacs = calibration.manifest['exit_gmacs']
    policies = choose_policies(calibration, target_budgets(gmacs, budgets))
    singles = [('safe', risk_controlled_policy(calibration, 0.05, 0.1))] if exits > 1 else []
    result = ModelResult(
        name=name,
        source='ours',
        task='classification',
        dataset='Simulated',
        config=FileRecord('c.py', test.manifest['config_sha256']),
        checkpoint=FileRecord('w.pth', test.manifest['weights_sha256']),
        weights='raw',
        training=None,
        calibration=SplitRecord(
            'calibration', len(calibration), calibration.manifest['index_sha256']
        ),
        test=SplitRecord('test', len(test), test.manifest['index_sha256']),
        confidence='max_softmax',
        method='geometric',
        input_shape=[3, 32, 32],
        frames_per_clip=1,
        parameters=5,
        exits=exit_records(calibration, test, gmacs),
        statistics=exit_statistics(test, gmacs),
        points=curve_points(test, policies),
        operating_points=operating_points(test, singles),
        gallery=None,
        latency=None,
    )
    return MeasuredModel(result, calibration, test, policies, {})


def results_of(*models, **changes):
    """`Results` of measured models."""
    fields = {
        'schema_version': SCHEMA_VERSION,
        'created': '2026-01-01T00:00:00',
        'command': 'cmd',
        'versions': {'python': '3'},
        'git_commit': None,
        'models': [model.result for model in models],
        'comparisons': compare_models(models),
        'timing': None,
    }
    return Results(**(fields | changes))


def write_folder(folder, results, models):
    """``results.json`` and the tables, as a report's folder holds them."""
    write_results(results, Path(folder) / 'results.json')
    for model in models:
        for table in (model.calibration, model.test):
            name = table_name(model.result.name, table.manifest['split'])
            table.save(Path(folder) / 'tables' / name)
