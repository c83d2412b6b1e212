"""Train a model.

python tools/train.py CONFIG [--work-dir DIR] [--resume [CHECKPOINT]]
"""

import argparse

from dynp_plugins.errors import exits_on_user_error
from dynp_plugins.openmmlab.mixed_precision import AMP_DTYPES
from dynp_plugins.openmmlab.run_options import add_run_options, load_run_config
from dynp_plugins.openmmlab.runs import AUTO_RESUME, train
from dynp_plugins.warm_allocator import keep_memory


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
    parser.add_argument(
        '--amp',
        action='store_true',
        help='mixed precision: bfloat16, or float16 on a GPU without bfloat16',
    )
    parser.add_argument(
        '--amp-dtype', choices=AMP_DTYPES, help='mixed precision in this type; float16 needs a GPU'
    )
    parser.add_argument(
        '--compile',
        action='store_true',
        help='compile the training step of a classifier (needs a C++ compiler on a CPU)',
    )
    parser.add_argument('--no-validate', action='store_true', help='train without validation')
    parser.add_argument(
        '--auto-scale-lr', action='store_true', help='scale the learning rate to the batch size'
    )
    return parser.parse_args()


@exits_on_user_error
def main() -> None:
    args = parse_args()
    keep_memory()
    train(
        load_run_config(args),
        resume=args.resume,
        amp=args.amp,
        validate=not args.no_validate,
        auto_scale_lr=args.auto_scale_lr,
        launcher=args.launcher,
        overwrite=args.overwrite,
        amp_dtype=args.amp_dtype,
        compiled=args.compile,
    )


if __name__ == '__main__':
    main()
