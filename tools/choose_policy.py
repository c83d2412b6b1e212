"""Choose exit thresholds on a calibration split and write them as a policy, one small JSON file.

    python tools/choose_policy.py TABLE --budget-gmacs 0.5 --out policy.json
    python tools/choose_policy.py TABLE --risk 0.01 0.05 --measure margin --out policy.json

TABLE is the exit table of a calibration split, DIR/tables/MODEL_calibration.npz, as
tools/budget_curve.py writes it. --risk gives the cheapest thresholds that lose at most EPSILON of
accuracy (a fraction of the samples) against the full network, with confidence 1 - DELTA.
"""

import argparse
from pathlib import Path

from dynp_plugins.early_exit import (
    MEASURES,
    METHODS,
    ExitPolicy,
    ExitTable,
    choose_policy,
    risk_controlled_policy,
)
from dynp_plugins.errors import UserError, exits_on_user_error


def parse_args() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument('table', metavar='TABLE', help='exit table of a calibration split, .npz')
    wish = parser.add_mutually_exclusive_group(required=True)
    wish.add_argument('--budget-gmacs', type=float, metavar='B', help='mean cost of a sample')
    wish.add_argument(
        '--risk', nargs=2, type=float, metavar=('EPSILON', 'DELTA'), help='loss of accuracy'
    )
    parser.add_argument(
        '--method',
        choices=METHODS,
        help='for --budget-gmacs (default geometric)',
    )
    parser.add_argument(
        '--measure',
        choices=MEASURES,
        default='max_softmax',
        help='confidence measure (default %(default)s)',
    )
    parser.add_argument('--out', required=True, metavar='FILE', help='the .json file to write')
    parser.add_argument('--overwrite', action='store_true', help='replace FILE')
    return parser.parse_args()


def summary(policy: ExitPolicy) -> str:
    """What the policy does on the calibration split."""
    expected = policy.expected
    shares = ', '.join(
        f'{name} {100 * share:.1f} %' for name, share in expected.exit_shares.items()
    )
    return (
        f'on {policy.calibration.samples} calibration samples: {expected.gmacs_mean:.4g} GMACs on '
        f'average, top-1 {expected.top1_percent:.2f} %; leaving at {shares}'
    )


@exits_on_user_error
def main() -> None:
    args = parse_args()
    out = Path(args.out)
    if out.suffix != '.json':
        raise UserError(f'--out {out}: a policy is written as JSON, name a .json file')
    if out.exists() and not args.overwrite:
        raise UserError(f'--out {out} exists already; give --overwrite to replace it')
    if args.risk is not None and args.method:
        raise UserError('--method is for --budget-gmacs: --risk is a method of its own')
    table = ExitTable.load(args.table)
    if args.risk is not None:
        policy = risk_controlled_policy(table, *args.risk, measure=args.measure)
    else:
        policy = choose_policy(table, args.budget_gmacs, args.method or 'geometric', args.measure)
    policy.save(out)
    print(summary(policy))


if __name__ == '__main__':
    main()
