"""Train a model.

python tools/train.py CONFIG [--work-dir DIR] [--resume [CHECKPOINT]]
"""

import argparse
import os

from mmengine.config import DictAction

from dynp_plugins.errors import exits_on_user_error
from dynp_plugins.openmmlab.config_files import load_config
from dynp_plugins.openmmlab.runs import AUTO_RESUME, train


def parse_args() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument('config', metavar='CONFIG', help='config file')
    parser.add_argument('--work-dir', help='folder for logs and checkpoints')
    parser.add_argument(
        '--resume',
        nargs='?',
        const=AUTO_RESUME,
        metavar='CHECKPOINT',
        help='continue from CHECKPOINT, or from the last one in the work folder',
    )
    parser.add_argument('--overwrite', action='store_true', help='replace a run in the work folder')
    parser.add_argument('--amp', action='store_true', help='mixed precision (needs a GPU)')
    parser.add_argument('--no-validate', action='store_true', help='train without validation')
    parser.add_argument(
        '--auto-scale-lr', action='store_true', help='scale the learning rate to the batch size'
    )
    parser.add_argument(
        '--cfg-options',
        nargs='+',
        action=DictAction,
        metavar='KEY=VALUE',
        help='override entries of the config, e.g. train_cfg.max_epochs=2',
    )
    parser.add_argument('--launcher', choices=['none', 'pytorch', 'slurm', 'mpi'], default='none')
    parser.add_argument('--local_rank', '--local-rank', type=int, default=0)
    args = parser.parse_args()
    os.environ.setdefault('LOCAL_RANK', str(args.local_rank))
    return args


@exits_on_user_error
def main() -> None:
    args = parse_args()
    config = load_config(args.config, args.cfg_options)
    if args.work_dir:
        config.work_dir = args.work_dir
    train(
        config,
        resume=args.resume,
        amp=args.amp,
        validate=not args.no_validate,
        auto_scale_lr=args.auto_scale_lr,
        launcher=args.launcher,
        overwrite=args.overwrite,
    )


if __name__ == '__main__':
    main()
