"""Say what is wrong with pictures and boxes in COCO format, and what they hold.

    python tools/check_dataset.py ANNOTATIONS.json IMAGES_DIR
    python tools/check_dataset.py CONFIG

All pictures are decoded. With a config, the files of all its splits are checked, and whether the
splits go together. The exit status is 1 if there are errors, 0 if there are none; notes are no
errors.
"""

import argparse
import contextlib
import sys

from dynp_plugins.datasets.coco_report import report_on
from dynp_plugins.errors import UserError, exits_on_user_error


def parse_args() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument('data', metavar='ANNOTATIONS|CONFIG', help='a COCO json, or a config')
    parser.add_argument('images', metavar='IMAGES_DIR', nargs='?', help='folder of the pictures')
    parser.add_argument(
        '--limit',
        type=int,
        default=10,
        metavar='N',
        help='how many problems of each kind are written out (default %(default)s)',
    )
    return parser.parse_args()


@exits_on_user_error
def main() -> None:
    args = parse_args()
    if args.limit < 0:
        raise UserError(f'--limit {args.limit}: give 0 or more')
    is_config = args.data.endswith('.py')
    if is_config and args.images:
        raise UserError(f'{args.images}: a config names its pictures itself; leave it out')
    if not is_config and not args.images:
        raise UserError(f'{args.data}: name the folder of its pictures, too')
    if is_config:
        # mmdet prints while it is imported, but stdout is for the report alone.
        with contextlib.redirect_stdout(sys.stderr):
            # Here and not above: it takes seconds, and a json needs none of it.
            from dynp_plugins.openmmlab.config_files import load_config
            from dynp_plugins.openmmlab.dataset_check import report_on_config

            report = report_on_config(load_config(args.data), args.limit)
    else:
        report = report_on(args.data, args.images, args.limit)
    print('\n'.join(report.lines))
    print('1 error' if report.errors == 1 else f'{report.errors:,} errors')
    raise SystemExit(1 if report.errors else 0)


if __name__ == '__main__':
    main()
