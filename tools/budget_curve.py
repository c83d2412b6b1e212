"""Measure and draw the accuracy-budget curve of one or several trained models.

    python tools/budget_curve.py CONFIG CHECKPOINT [CONFIG CHECKPOINT ...] --out DIR

Thresholds are chosen on each config's calibration split and applied to its test split. DIR gets
report.html, curve.png, curve.svg, curve.csv, results.json and the exit tables.
"""

import argparse
import datetime
import logging
import shlex
import sys
from pathlib import Path

import torch

from benchmarks.budget_curve import BUDGETS, input_hashes, measure_model
from benchmarks.provenance import git_commit, versions
from benchmarks.results import SCHEMA_VERSION, Results
from dynp_plugins.errors import UserError, exits_on_user_error
from dynp_plugins.openmmlab.run_options import ConfigOptions
from reports.tables import terminal_summary
from reports.write import check_output_folder, run_identity, write_report


def parse_args() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument(
        'models',
        nargs='+',
        metavar='CONFIG CHECKPOINT',
        help="pairs of a config and a checkpoint (or a run's work folder)",
    )
    parser.add_argument('--out', required=True, metavar='DIR', help='folder to write to')
    parser.add_argument('--overwrite', action='store_true', help='replace results in DIR')
    parser.add_argument(
        '--budgets', type=int, default=BUDGETS, help='points along the curve (default %(default)s)'
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
    return parser.parse_args()


def pairs(models: list[str]) -> list[tuple[str, str]]:
    """CONFIG CHECKPOINT CONFIG CHECKPOINT ... as pairs; every config once.

    Raises:
        UserError: One is left over, or two models would have the same name.
    """
    if len(models) % 2:
        raise UserError(f'give a checkpoint for every config; {models[-1]} has none')
    names = [Path(config).stem for config in models[::2]]
    twice = next((name for name in names if names.count(name) > 1), None)
    if twice:
        raise UserError(f'two configs are called {twice}; models are told apart by that name')
    return list(zip(models[::2], models[1::2], strict=True))


@exits_on_user_error
def main() -> None:
    args = parse_args()
    logging.basicConfig(level=logging.INFO, format='%(message)s')
    models = pairs(args.models)
    try:
        torch.zeros(1, device=args.device)
    except (RuntimeError, AssertionError) as error:
        raise UserError(f'--device {args.device} cannot be used: {error}') from error
    if args.budgets < 2:
        raise UserError(f'--budgets {args.budgets}: a curve has at least 2 points')
    # The splits' hashes are not known before their pictures have been read.
    inputs = [(*input_hashes(*model, args.cfg_options), None, None) for model in models]
    check_output_folder(args.out, args.overwrite, inputs)
    measured = [
        measure_model(config, checkpoint, args.device, args.cfg_options, args.budgets)
        for config, checkpoint in models
    ]
    results = Results(
        schema_version=SCHEMA_VERSION,
        created=datetime.datetime.now(datetime.timezone.utc).isoformat(timespec='seconds'),
        command=shlex.join(['python', *sys.argv]),
        versions=versions(),
        git_commit=git_commit(),
        models=[result for result, _ in measured],
    )
    check_output_folder(args.out, args.overwrite, run_identity(results))
    for older in (Path(args.out) / 'tables').glob('*_*.*'):
        older.unlink()
    for _, tables in measured:
        for table in tables:
            name = f'{table.manifest["model"]}_{table.manifest["split"]}.npz'
            table.save(Path(args.out) / 'tables' / name)
    report = write_report(results, args.out, args.overwrite)
    print(terminal_summary(results))
    print(report)


if __name__ == '__main__':
    main()
