"""Evaluate a checkpoint: accuracy of every exit on the test split.

python tools/test.py CONFIG CHECKPOINT [--out metrics.json]
"""

import argparse
import json
import os
from pathlib import Path

from dynp_plugins.atomic_files import atomic_path
from dynp_plugins.errors import UserError, exits_on_user_error
from dynp_plugins.openmmlab.run_options import add_run_options, load_run_config
from dynp_plugins.openmmlab.runs import test


def parse_args() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    add_run_options(parser)
    parser.add_argument('checkpoint', metavar='CHECKPOINT', help="checkpoint, or a run's folder")
    parser.add_argument('--out', metavar='FILE', help='write the metrics to this .json file')
    return parser.parse_args()


@exits_on_user_error
def main() -> None:
    args = parse_args()
    out = Path(args.out) if args.out else None
    if out and out.suffix != '.json':
        raise UserError(f'--out {out}: the metrics are written as JSON, name a .json file')
    if out and out.exists() and not args.overwrite:
        raise UserError(f'--out {out} exists already; give --overwrite to replace it')
    metrics = test(load_run_config(args), args.checkpoint, launcher=args.launcher)
    if out and int(os.environ.get('RANK', 0)) == 0:
        with atomic_path(out) as temporary:
            temporary.write_text(json.dumps(metrics, indent=2) + '\n')


if __name__ == '__main__':
    main()
