"""Convert a published checkpoint into one that `dynp_plugins.create_model` and configs load.

    python tools/convert_checkpoint.py SRC DST --model dyn_perceiver_regnety_800mf_t128
    python tools/convert_checkpoint.py SRC DST --model msdnet_imagenet_step7 --set num_classes=100

With --from torchvision or timm, SRC holds a plain CNN, and DST the weights of a Dyn-Perceiver's
feature branch, to start training from:

    python tools/convert_checkpoint.py SRC DST --model dyn_perceiver_resnet50 --from torchvision
"""

import argparse

from dynp_plugins.checkpoints import ORIGINS, convert_checkpoint
from dynp_plugins.errors import exits_on_user_error
from dynp_plugins.model_settings import add_settings_option, parse_settings


def parse_args() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument('src', metavar='SRC', help='the published checkpoint')
    parser.add_argument('dst', metavar='DST', help='the file to write')
    parser.add_argument('--model', required=True, help='a name of dynp_plugins.list_models()')
    add_settings_option(parser)
    parser.add_argument(
        '--from',
        dest='origin',
        choices=ORIGINS,
        default='official',
        help='whose names the tensors in SRC have (default %(default)s)',
    )
    parser.add_argument('--overwrite', action='store_true', help='replace DST if it exists')
    return parser.parse_args()


@exits_on_user_error
def main() -> None:
    args = parse_args()
    settings = parse_settings(args.set)
    count = convert_checkpoint(
        args.src, args.dst, args.model, args.overwrite, args.origin, **settings
    )
    print(f'wrote {count} tensors of {args.model} to {args.dst}')


if __name__ == '__main__':
    main()
