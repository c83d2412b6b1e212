"""Draw the accuracy-budget curve of one or several trained models, detectors among them.

    python tools/budget_curve.py CONFIG CHECKPOINT [CONFIG CHECKPOINT ...] --out DIR
    python tools/budget_curve.py --check DIR

Thresholds are chosen on each config's calibration split and applied to its test split. A detector
is measured at several input scales (--scales), among which budgets choose on its calibration split;
options of thresholds do not concern it. DIR gets report.html, report.md, curve.png, curve.svg, .csv
files, results.json and the tables that everything was computed from. --check looks in DIR for
results that cannot be.
"""

import argparse
import datetime
import logging
import shlex
import sys
from functools import partial
from pathlib import Path

import torch

from benchmarks.budget_curve import BUDGETS, CurveSettings, check_policies, measure_model
from benchmarks.check_results import check_folder
from benchmarks.comparisons import compare_models
from benchmarks.detection.coco_metrics import BACKENDS, PYCOCOTOOLS
from benchmarks.detection.comparisons import compare_detectors
from benchmarks.detection.detector_curve import (
    DetectorSettings,
    check_settings,
    measure_detector,
)
from benchmarks.forked_jobs import check_jobs, run_jobs
from benchmarks.latency_records import read_latency
from benchmarks.machine import check_device
from benchmarks.provenance import git_commit, versions
from benchmarks.results import SCHEMA_VERSION, Results, with_latency
from benchmarks.trained_model import classifiers_and_detectors, load_trained_models
from dynp_plugins.early_exit import MEASURES, METHODS
from dynp_plugins.errors import UserError, exits_on_user_error
from dynp_plugins.openmmlab.run_options import ConfigOptions
from reports.staging import check_sums
from reports.tables import terminal_summary
from reports.write import check_output_folder, write_report


def parse_args() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument(
        'models',
        nargs='*',
        metavar='CONFIG CHECKPOINT',
        help="pairs of a config and a checkpoint (or a run's work folder)",
    )
    parser.add_argument('--out', metavar='DIR', help='folder to write to')
    parser.add_argument('--check', metavar='DIR', help='check the results in DIR, measure nothing')
    parser.add_argument('--overwrite', action='store_true', help='replace results in DIR')
    parser.add_argument(
        '--budgets', type=int, default=BUDGETS, help='points along the curve (default %(default)s)'
    )
    parser.add_argument(
        '--method',
        choices=METHODS,
        default='geometric',
        help='how thresholds are chosen (default %(default)s)',
    )
    parser.add_argument(
        '--measure',
        choices=MEASURES,
        default='max_softmax',
        help='confidence measure (default %(default)s)',
    )
    parser.add_argument(
        '--risk',
        nargs=2,
        type=float,
        action='append',
        default=[],
        metavar=('EPSILON', 'DELTA'),
        help='also the cheapest thresholds that lose at most EPSILON of accuracy (a fraction) '
        'against the full network, with confidence 1 - DELTA; can be repeated',
    )
    parser.add_argument(
        '--policy',
        action='append',
        default=[],
        metavar='FILE',
        help='also mark this policy; can be repeated',
    )
    parser.add_argument(
        '--latency', metavar='FILE', help='times measured by tools/benchmark.py, to be shown too'
    )
    parser.add_argument(
        '--reuse-tables',
        action='store_true',
        help='take tables from DIR/tables where they are of the same config and weights, and, '
        'without --scales, the scales of detectors in DIR; the data must not have changed since',
    )
    parser.add_argument(
        '--scales',
        nargs='+',
        default=[],
        metavar='SCALE',
        help="measure detectors at these input scales: shorter sides in pixels, with the config's "
        "own ratio, or LONGxSHORT (default: the config's test_scales, or its own scale; with "
        '--reuse-tables those in DIR)',
    )
    parser.add_argument(
        '--metrics-by',
        choices=BACKENDS,
        default=PYCOCOTOOLS,
        help="what computes detectors' average precision (default %(default)s)",
    )
    parser.add_argument(
        '--jobs',
        type=int,
        default=1,
        metavar='N',
        help='measure so many models at a time, each on one thread of the CPU (default: one after '
        'the other, on all threads)',
    )
    parser.add_argument(
        '--device', default='cuda' if torch.cuda.is_available() else 'cpu', help='%(default)s'
    )
    parser.add_argument(
        '--cfg-options',
        nargs='+',
        action=ConfigOptions,
        metavar='KEY=VALUE',
        help='override entries of every config',
    )
    args = parser.parse_args()
    if bool(args.models) == bool(args.check):
        parser.error('give CONFIG CHECKPOINT pairs to measure, or --check DIR')
    if args.models and not args.out:
        parser.error('give --out DIR, the folder to write to')
    return args


def measure(args: argparse.Namespace) -> None:
    """Measure the models and write the report."""
    check_device(args.device)
    check_jobs(args.jobs, args.device)
    if args.budgets < 2:
        raise UserError(f'--budgets {args.budgets}: a curve has at least 2 points')
    for risk in args.risk:
        if not all(0 < value < 1 for value in risk):
            raise UserError(
                f'--risk {risk[0]:g} {risk[1]:g}: give two fractions between 0 and 1, such as '
                '0.02 0.1'
            )
    tables_folder = Path(args.out) / 'tables' if args.reuse_tables else None
    settings = CurveSettings(
        budgets=args.budgets,
        method=args.method,
        measure=args.measure,
        risks=args.risk,
        policies=args.policy,
        tables=tables_folder,
    )
    of_detectors = DetectorSettings(args.scales, tables_folder, args.metrics_by)
    latency = read_latency(args.latency) if args.latency else None
    models = load_trained_models(args.models, args.device, args.cfg_options)
    check_policies(args.policy, [model.checkpoint_record.sha256 for model in models])
    # The splits' hashes are not known before their pictures have been read.
    known = [(m.config_record.sha256, m.checkpoint_record.sha256, None, None) for m in models]
    check_output_folder(args.out, args.overwrite, known)
    classifiers, detectors = classifiers_and_detectors(models)
    if args.scales and not detectors:
        raise UserError('--scales is for detectors, and none of the configs describes one')
    check_settings(detectors, of_detectors)
    jobs = [
        *((model.name, partial(measure_detector, model, of_detectors)) for model in detectors),
        *((model.name, partial(measure_model, model, settings)) for model in classifiers),
    ]  # the longest ones first
    found = run_jobs(jobs, args.jobs)
    measured_detectors, measured = found[: len(detectors)], found[len(detectors) :]
    results = Results(
        schema_version=SCHEMA_VERSION,
        created=datetime.datetime.now(datetime.timezone.utc).isoformat(timespec='seconds'),
        command=shlex.join(['python', *sys.argv]),
        versions=versions(),
        git_commit=git_commit(),
        models=[model.result for model in measured],
        comparisons=compare_models(measured),
        timing=None,
        detectors=[detector.result for detector in measured_detectors],
        detector_comparisons=compare_detectors(measured_detectors),
    )
    if latency is not None:
        results = with_latency(results, latency, args.latency)
    tables = [table for model in measured for table in (model.calibration, model.test)]
    policies = {
        f'{model.result.name}_risk_control_{epsilon:g}_{delta:g}': policy
        for model in measured
        for (epsilon, delta), policy in model.risk_controlled.items()
    }
    detection_tables = [table for one in measured_detectors for table in one.tables]
    report = write_report(results, args.out, args.overwrite, tables, policies, detection_tables)
    print(terminal_summary(results))
    print(report)


@exits_on_user_error
def main() -> None:
    args = parse_args()
    logging.basicConfig(level=logging.INFO, format='%(message)s')
    if args.models:
        measure(args)
        return
    problems = check_folder(args.check) + check_sums(args.check)
    for problem in problems:
        print(problem)
    if problems:
        raise SystemExit(1)
    print(f'{args.check}: nothing impossible found')


if __name__ == '__main__':
    main()
