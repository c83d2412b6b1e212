"""Evaluate a checkpoint: accuracy of every exit on the test split.

python tools/test.py CONFIG CHECKPOINT [--out metrics.json]
"""

import argparse
import json
import os
from pathlib import Path

from mmengine.config import DictAction

from dynp_plugins.atomic_files import atomic_path
from dynp_plugins.errors import UserError, exits_on_user_error
from dynp_plugins.openmmlab.config_files import load_config
from dynp_plugins.openmmlab.runs import test


def parse_args() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument('config', metavar='CONFIG', help='config file')
    parser.add_argument('checkpoint', metavar='CHECKPOINT', help="checkpoint, or a run's folder")
    parser.add_argument('--work-dir', help='folder for logs')
    parser.add_argument('--out', metavar='FILE', help='write the metrics to this .json file')
    parser.add_argument('--overwrite', action='store_true', help='replace FILE if it exists')
    parser.add_argument(
        '--cfg-options',
        nargs='+',
        action=DictAction,
        metavar='KEY=VALUE',
        help='override entries of the config',
    )
    parser.add_argument('--launcher', choices=['none', 'pytorch', 'slurm', 'mpi'], default='none')
    parser.add_argument('--local_rank', '--local-rank', type=int, default=0)
    args = parser.parse_args()
    os.environ.setdefault('LOCAL_RANK', str(args.local_rank))
    return args


@exits_on_user_error
def main() -> None:
    args = parse_args()
    out = Path(args.out) if args.out else None
    if out and out.suffix != '.json':
        raise UserError(f'--out {out}: the metrics are written as JSON, name a .json file')
    if out and out.exists() and not args.overwrite:
        raise UserError(f'--out {out} exists already; give --overwrite to replace it')
    config = load_config(args.config, args.cfg_options)
    if args.work_dir:
        config.work_dir = args.work_dir
    metrics = test(config, args.checkpoint, launcher=args.launcher)
    if out and int(os.environ.get('RANK', 0)) == 0:
        with atomic_path(out) as temporary:
            temporary.write_text(json.dumps(metrics, indent=2) + '\n')


if __name__ == '__main__':
    main()
