"""Convert a published checkpoint into one that `dynp_plugins.create_model` and configs load.

    python tools/convert_checkpoint.py SRC DST --model dyn_perceiver_regnety_800mf_t128
    python tools/convert_checkpoint.py SRC DST --model msdnet_imagenet_step7 --set num_classes=100

With --from torchvision or timm, SRC holds a plain CNN, and DST the weights of a Dyn-Perceiver's
feature branch, to start training from:

    python tools/convert_checkpoint.py SRC DST --model dyn_perceiver_resnet50 --from torchvision
"""

import argparse
import ast

from dynp_plugins.checkpoints import ORIGINS, convert_checkpoint
from dynp_plugins.errors import UserError, exits_on_user_error


def parse_setting(text: str) -> tuple[str, object]:
    """``key=value``, value a Python literal; bare commas make a tuple, bare words a string."""
    key, equals, value = text.partition('=')
    if not equals or not key.isidentifier():
        raise UserError(f'--set {text}: write it as key=value, for example num_latents=128')
    try:
        return key, ast.literal_eval(value)
    except (ValueError, SyntaxError):
        return key, value


def parse_args() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument('src', metavar='SRC', help='the published checkpoint')
    parser.add_argument('dst', metavar='DST', help='the file to write')
    parser.add_argument('--model', required=True, help='a name of dynp_plugins.list_models()')
    parser.add_argument(
        '--set', nargs='+', default=[], metavar='KEY=VALUE', help='settings of the model'
    )
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
    settings = dict(parse_setting(text) for text in args.set)
    count = convert_checkpoint(
        args.src, args.dst, args.model, args.overwrite, args.origin, **settings
    )
    print(f'wrote {count} tensors of {args.model} to {args.dst}')


if __name__ == '__main__':
    main()
