"""Draw the accuracy-budget curve of one or several trained models.

    python tools/budget_curve.py CONFIG CHECKPOINT [CONFIG CHECKPOINT ...] --out DIR
    python tools/budget_curve.py --check DIR

Thresholds are chosen on each config's calibration split and applied to its test split. DIR gets
report.html, report.md, curve.png, curve.svg, curve.csv, results.json and the exit tables. --check
looks in DIR for results that cannot be.
"""

import argparse
import datetime
import logging
import shlex
import sys
from pathlib import Path

import torch

from benchmarks.budget_curve import BUDGETS, CurveSettings, check_policies, measure_model
from benchmarks.check_results import check_folder
from benchmarks.comparisons import compare_models
from benchmarks.latency_records import read_latency
from benchmarks.machine import check_device
from benchmarks.provenance import git_commit, versions
from benchmarks.results import SCHEMA_VERSION, Results, with_latency
from benchmarks.trained_model import load_trained_models
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
        help='take exit tables from DIR/tables where they are of the same config and weights; the '
        'data must not have changed since',
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
    if args.budgets < 2:
        raise UserError(f'--budgets {args.budgets}: a curve has at least 2 points')
    for risk in args.risk:
        if not all(0 < value < 1 for value in risk):
            raise UserError(
                f'--risk {risk[0]:g} {risk[1]:g}: give two fractions between 0 and 1, such as '
                '0.02 0.1'
            )
    settings = CurveSettings(
        budgets=args.budgets,
        method=args.method,
        measure=args.measure,
        risks=args.risk,
        policies=args.policy,
        tables=Path(args.out) / 'tables' if args.reuse_tables else None,
    )
    latency = read_latency(args.latency) if args.latency else None
    models = load_trained_models(args.models, args.device, args.cfg_options)
    check_policies(args.policy, [model.checkpoint_record.sha256 for model in models])
    # The splits' hashes are not known before their pictures have been read.
    known = [(m.config_record.sha256, m.checkpoint_record.sha256, None, None) for m in models]
    check_output_folder(args.out, args.overwrite, known)
    measured = [measure_model(model, settings) for model in models]
    results = Results(
        schema_version=SCHEMA_VERSION,
        created=datetime.datetime.now(datetime.timezone.utc).isoformat(timespec='seconds'),
        command=shlex.join(['python', *sys.argv]),
        versions=versions(),
        git_commit=git_commit(),
        models=[model.result for model in measured],
        comparisons=compare_models(measured),
        timing=None,
    )
    if latency is not None:
        results = with_latency(results, latency, args.latency)
    tables = [table for model in measured for table in (model.calibration, model.test)]
    policies = {
        f'{model.result.name}_risk_control_{epsilon:g}_{delta:g}': policy
        for model in measured
        for (epsilon, delta), policy in model.risk_controlled.items()
    }
    report = write_report(results, args.out, args.overwrite, tables, policies)
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
