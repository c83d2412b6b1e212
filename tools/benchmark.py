"""Time trained models: every exit, and inference in which images, or videos, really leave early.

    python tools/benchmark.py CONFIG CHECKPOINT [CONFIG CHECKPOINT ...] \\
        --tables REPORT_DIR --out latency.json
    python tools/budget_curve.py ... --latency latency.json

REPORT_DIR is what tools/budget_curve.py --out wrote: thresholds for the budgets are chosen on the
calibration tables in it, and the answers of the timed runs are compared with its test tables. All
models are timed in turn, round by round, on the same machine and samples.

Reading, decoding and preparing a sample is not part of these times. It is timed by itself, one
sample at a time in one process and on a warm file cache, and shown beside them.
"""

import argparse
import datetime
import logging
import os
import shlex
import sys
from dataclasses import replace
from pathlib import Path

import torch

from benchmarks.data_time import SAMPLES, measure_data_times
from benchmarks.latency import check_batch_sizes, measure_latency
from benchmarks.latency_records import LATENCY_VERSION, LatencyFile, write_latency
from benchmarks.machine import check_device, machine_record, machine_states
from benchmarks.timed_models import load_timed_models
from benchmarks.timing import RoundLimits
from benchmarks.trained_model import load_trained_models
from dynp_plugins.errors import UserError, exits_on_user_error
from dynp_plugins.openmmlab.run_options import ConfigOptions
from reports.latency_tables import latency_text

DTYPES = ('float32', 'bfloat16', 'float16', 'float64')


ONEDNN_KERNELS = '4096'
"""Kernels that oneDNN remembers, unless the environment says otherwise; its own default is 1024."""


def parse_args() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument(
        'models',
        nargs='+',
        metavar='CONFIG CHECKPOINT',
        help="pairs of a config and a checkpoint (or a run's work folder)",
    )
    parser.add_argument(
        '--tables', required=True, metavar='DIR', help='what tools/budget_curve.py --out wrote'
    )
    parser.add_argument('--out', required=True, metavar='FILE', help='the .json file to write')
    parser.add_argument('--overwrite', action='store_true', help='replace FILE')
    parser.add_argument(
        '--batch-sizes',
        nargs='+',
        type=int,
        default=[1, 64],
        metavar='B',
        help='images or videos in a batch (default 1 64)',
    )
    budgets = parser.add_mutually_exclusive_group()
    budgets.add_argument(
        '--budgets',
        type=int,
        default=3,
        metavar='N',
        help="so many mean costs between the first exit's and the last one's (default %(default)s)",
    )
    budgets.add_argument(
        '--budgets-gmacs', nargs='+', type=float, metavar='B', help='these mean costs of a sample'
    )
    parser.add_argument(
        '--policy',
        action='append',
        default=[],
        metavar='FILE',
        help='also time this policy, with every model that it fits; can be repeated',
    )
    parser.add_argument(
        '--images',
        type=int,
        default=1024,
        metavar='N',
        help='read at most so many test images, or videos with so many frames together but enough '
        'for a batch; they are used again when all have been run (default %(default)s)',
    )
    parser.add_argument(
        '--data-samples',
        type=int,
        default=SAMPLES,
        metavar='N',
        help='time how at most so many of them are read, decoded and prepared; 0 does not '
        '(default %(default)s)',
    )
    parser.add_argument(
        '--rounds',
        type=int,
        default=50,
        metavar='R',
        help='at most so many rounds for each batch size (default %(default)s)',
    )
    parser.add_argument(
        '--seconds',
        type=float,
        default=10.0,
        metavar='S',
        help='begin no further round after so long, for each batch size; 5 rounds are always run '
        '(default %(default)g)',
    )
    parser.add_argument(
        '--warmup',
        type=int,
        default=4,
        metavar='W',
        help='rounds before them (default 4), whose batches the timed rounds run again',
    )
    parser.add_argument('--threads', type=int, metavar='T', help='threads of torch on the CPU')
    parser.add_argument('--dtype', choices=DTYPES, default='float32', help='(default float32)')
    parser.add_argument('--channels-last', action='store_true', help='memory format')
    parser.add_argument(
        '--device', default='cuda' if torch.cuda.is_available() else 'cpu', help='%(default)s'
    )
    parser.add_argument(
        '--cfg-options',
        nargs='+',
        action=ConfigOptions,
        metavar='KEY=VALUE',
        help='override entries of every config, as they were for tools/budget_curve.py',
    )
    return parser.parse_args()


def check_options(args: argparse.Namespace) -> None:
    """Refuse what cannot work before anything is loaded."""
    check_batch_sizes(args.batch_sizes)
    for option, least in (('budgets', 0), ('images', 1), ('data_samples', 0), ('threads', 1)):
        value = getattr(args, option)
        if value is not None and value < least:
            raise UserError(f'--{option.replace("_", "-")} {value}: give at least {least}')
    out = Path(args.out)
    if out.suffix != '.json':
        raise UserError(f'--out {out}: the times are written as JSON, name a .json file')
    if os.path.lexists(out) and not args.overwrite:
        raise UserError(f'--out {out} exists already; give --overwrite to replace it')
    folder = next(path for path in out.absolute().parents if os.path.exists(path))
    if out.is_dir() or not folder.is_dir() or not os.access(folder, os.W_OK | os.X_OK):
        raise UserError(f'--out {out} cannot be written: choose another place')


@exits_on_user_error
def main() -> None:
    args = parse_args()
    logging.basicConfig(level=logging.INFO, format='%(message)s')
    check_options(args)
    # Early exit makes batches of many sizes; oneDNN is to remember its kernels for all of them.
    os.environ.setdefault('ONEDNN_PRIMITIVE_CACHE_CAPACITY', ONEDNN_KERNELS)
    limits = RoundLimits(args.rounds, args.warmup, args.seconds)
    device, dtype = check_device(args.device), getattr(torch, args.dtype)
    if args.threads:
        torch.set_num_threads(args.threads)
    models = load_timed_models(
        load_trained_models(args.models, 'cpu', args.cfg_options),
        args.tables,
        args.budgets if args.budgets_gmacs is None else args.budgets_gmacs,
        args.policy,
        args.images,
        least_videos=max(args.batch_sizes),
    )
    models = [model.prepared(device, dtype, args.channels_last) for model in models]
    machine = machine_record(device, dtype, args.channels_last)
    latencies, ratios = measure_latency(models, args.batch_sizes, limits, device)
    data_times = measure_data_times(models, device, args.data_samples)
    record = LatencyFile(
        schema_version=LATENCY_VERSION,
        created=datetime.datetime.now(datetime.timezone.utc).isoformat(timespec='seconds'),
        command=shlex.join(['python', *sys.argv]),
        machine=replace(machine, states_after=machine_states(device)),
        warmup_rounds=limits.warmup,
        rounds=limits.rounds,
        models=[
            replace(latency, data=data) for latency, data in zip(latencies, data_times, strict=True)
        ],
        ratios=ratios,
        seconds=limits.seconds,
    )
    write_latency(record, args.out)
    print(latency_text(record))
    print(args.out)


if __name__ == '__main__':
    main()
