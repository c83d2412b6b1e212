"""Write a report's models, exit by exit, and detectors, scale by scale, as tables into a README.

    python tools/update_results_table.py REPORT_DIR README.md NAME

REPORT_DIR is what tools/budget_curve.py --out wrote. The table goes between the two lines of the
README that carry NAME; where they are missing, the error says what they look like.
"""

import argparse
from pathlib import Path

from benchmarks.results import read_results
from dynp_plugins.errors import exits_on_user_error
from reports.markdown.readme_table import update_readme


def parse_args() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument('report', metavar='REPORT_DIR', type=Path, help='folder of a report')
    parser.add_argument('readme', metavar='README', help='the file to write the table into')
    parser.add_argument('name', metavar='NAME', help='which of its tables')
    return parser.parse_args()


@exits_on_user_error
def main() -> None:
    args = parse_args()
    update_readme(args.readme, args.name, read_results(args.report / 'results.json'))
    print(args.readme)


if __name__ == '__main__':
    main()
