"""Train a model.

python tools/train.py CONFIG [--work-dir DIR] [--resume [CHECKPOINT]]
"""

import argparse

from dynp_plugins.errors import exits_on_user_error
from dynp_plugins.openmmlab.run_options import add_run_options, load_run_config
from dynp_plugins.openmmlab.runs import AUTO_RESUME, train


def parse_args() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    add_run_options(parser)
    parser.add_argument(
        '--resume',
        nargs='?',
        const=AUTO_RESUME,
        metavar='CHECKPOINT',
        help='continue from CHECKPOINT, or from the last one in the work folder',
    )
    parser.add_argument('--amp', action='store_true', help='mixed precision (needs a GPU)')
    parser.add_argument('--no-validate', action='store_true', help='train without validation')
    parser.add_argument(
        '--auto-scale-lr', action='store_true', help='scale the learning rate to the batch size'
    )
    return parser.parse_args()


@exits_on_user_error
def main() -> None:
    args = parse_args()
    train(
        load_run_config(args),
        resume=args.resume,
        amp=args.amp,
        validate=not args.no_validate,
        auto_scale_lr=args.auto_scale_lr,
        launcher=args.launcher,
        overwrite=args.overwrite,
    )


if __name__ == '__main__':
    main()
