"""Bring the tables and the counted numbers of the model zoo in configs/ up to date.

    python tools/update_model_zoo.py            # count every network, a few minutes; write
    python tools/update_model_zoo.py --check    # only say what is out of date

The tables are in README.md, the numbers (FLOPs, Parameters) in metafile.yml. Published accuracies
are read from the metafiles, where they are written by hand. Needs timm.
"""

import argparse
import logging
from pathlib import Path

from dynp_plugins.errors import UserError, exits_on_user_error
from reports.model_zoo import update_model_zoo

REPOSITORY = Path(__file__).parents[1]


def parse_args() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument('--check', action='store_true', help='write nothing; fail if out of date')
    return parser.parse_args()


@exits_on_user_error
def main() -> None:
    args = parse_args()
    logging.basicConfig(level=logging.INFO, format='%(message)s')
    stale = update_model_zoo(REPOSITORY, write=not args.check)
    names = [str(path.relative_to(REPOSITORY)) for path in stale]
    if args.check and stale:
        raise UserError(
            f'out of date: {", ".join(names)}; run python tools/update_model_zoo.py and commit'
        )
    print('\n'.join(f'updated {name}' for name in names) or 'everything is up to date')


if __name__ == '__main__':
    main()
