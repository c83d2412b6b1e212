"""Evaluate a checkpoint on the test split: accuracy of every exit, or a detector's metrics.

    python tools/test.py CONFIG CHECKPOINT [--out metrics.json]
    python tools/test.py CONFIG CHECKPOINT --policy policy.json

With a policy the test split is run once more, and images really leave early: their accuracy, mean
cost and exits are named early_exit/...
"""

import argparse
import json
import os
from pathlib import Path

import torch

from benchmarks.dynamic_pass import check_policy, policy_metrics
from benchmarks.trained_model import TrainedDetector, load_trained_model
from dynp_plugins.atomic_files import atomic_path
from dynp_plugins.early_exit import ExitPolicy
from dynp_plugins.errors import UserError, exits_on_user_error
from dynp_plugins.openmmlab.run_options import add_run_options, load_run_config
from dynp_plugins.openmmlab.runs import test
from dynp_plugins.warm_allocator import keep_memory


def parse_args() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    add_run_options(parser)
    parser.add_argument('checkpoint', metavar='CHECKPOINT', help="checkpoint, or a run's folder")
    parser.add_argument('--out', metavar='FILE', help='write the metrics to this .json file')
    parser.add_argument(
        '--policy', metavar='FILE', help='also run with the early exits of a policy'
    )
    return parser.parse_args()


@exits_on_user_error
def main() -> None:
    args = parse_args()
    out = Path(args.out) if args.out else None
    if out and out.suffix != '.json':
        raise UserError(f'--out {out}: the metrics are written as JSON, name a .json file')
    if out and out.exists() and not args.overwrite:
        raise UserError(f'--out {out} exists already; give --overwrite to replace it')
    if args.policy and args.launcher != 'none':
        raise UserError('--policy is for a single process: leave --launcher out')
    keep_memory()
    policy = model = None
    if args.policy:
        policy = ExitPolicy.load(args.policy)
        device = 'cuda' if torch.cuda.is_available() else 'cpu'
        model = load_trained_model(args.config, args.checkpoint, device, args.cfg_options)
        if isinstance(model, TrainedDetector):
            raise UserError(
                f'--policy is for classifiers, but {args.config} describes a detector, in which '
                'images do not leave early: leave --policy out'
            )
        check_policy(model, policy)  # before the long run
    metrics = test(load_run_config(args), args.checkpoint, launcher=args.launcher)
    if policy is not None:
        metrics |= policy_metrics(model, policy)
        print(json.dumps(metrics, indent=2))
    if out and int(os.environ.get('RANK', 0)) == 0:
        with atomic_path(out) as temporary:
            temporary.write_text(json.dumps(metrics, indent=2) + '\n')


if __name__ == '__main__':
    main()
