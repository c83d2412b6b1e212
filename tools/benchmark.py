"""Time trained models: every exit, and inference in which images, or videos, really leave early.

    python tools/benchmark.py CONFIG CHECKPOINT [CONFIG CHECKPOINT ...] \\
        --tables REPORT_DIR --out latency.json
    python tools/budget_curve.py ... --latency latency.json

REPORT_DIR is what tools/budget_curve.py --out wrote: thresholds for the budgets are chosen on the
calibration tables in it, and the answers of the timed runs are compared with its test tables. All
models are timed in turn, round by round, on the same machine and samples.

Detectors are timed after classifiers: all of them at all their scales in turn, one image at a time,
from the prepared image to boxes, with backbone, neck and head apart. Scales are those of
REPORT_DIR, or --scales.

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
from benchmarks.detection.latency import images_needed, measure_detectors
from benchmarks.detection.timed_detectors import TimedDetector, load_timed_detectors
from benchmarks.latency import check_batch_sizes, measure_latency
from benchmarks.latency_records import LATENCY_VERSION, LatencyFile, write_latency
from benchmarks.machine import check_device, machine_record, machine_states
from benchmarks.ready_models import RunForm, ready_model
from benchmarks.timed_models import TimedModel, load_timed_models
from benchmarks.timing import RoundLimits
from benchmarks.trained_model import classifiers_and_detectors, load_trained_models
from benchmarks.tuning import CANDIDATES
from dynp_plugins.early_exit.compiled import BACKENDS, BATCH_SIZES
from dynp_plugins.errors import UserError, exits_on_user_error
from dynp_plugins.openmmlab.run_options import ConfigOptions
from dynp_plugins.warm_allocator import keep_memory
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
        '--tables',
        metavar='DIR',
        help='what tools/budget_curve.py --out wrote; classifiers need it',
    )
    parser.add_argument('--out', required=True, metavar='FILE', help='the .json file to write')
    parser.add_argument('--overwrite', action='store_true', help='replace FILE')
    parser.add_argument(
        '--batch-sizes',
        nargs='+',
        type=int,
        default=[1, 64],
        metavar='B',
        help='images or videos in a batch (default 1 64); detectors take one image at a time',
    )
    parser.add_argument(
        '--scales',
        nargs='+',
        default=[],
        metavar='SCALE',
        help="time detectors at these input scales: shorter sides in pixels, with the config's own "
        "ratio, or LONGxSHORT (default: those of DIR, or without it the config's)",
    )
    budgets = parser.add_mutually_exclusive_group()
    budgets.add_argument(
        '--budgets',
        type=int,
        default=3,
        metavar='N',
        help="so many mean costs between the first exit's and the last one's, and half of the "
        "last one's, if the first one costs less (default %(default)s)",
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
        help='at most so many rounds for each batch size, and for detectors (default %(default)s)',
    )
    parser.add_argument(
        '--seconds',
        type=float,
        default=10.0,
        metavar='S',
        help='begin no further round after so long, for each batch size, and for detectors; 5 '
        'rounds are always run (default %(default)g)',
    )
    parser.add_argument(
        '--warmup',
        type=int,
        default=4,
        metavar='W',
        help='rounds before them (default 4), whose batches the timed rounds run again',
    )
    parser.add_argument(
        '--threads', type=int, metavar='T', help='threads of torch, and of the backend, on the CPU'
    )
    parser.add_argument(
        '--backend',
        choices=BACKENDS,
        help="compile the classifiers' steps; without, torch runs them as they are",
    )
    parser.add_argument(
        '--graphs',
        nargs='+',
        type=int,
        metavar='B',
        help='with --backend: samples in the batches that graphs are made for, in which batches of '
        f'all sizes are run (default {" ".join(map(str, BATCH_SIZES))}); with --tune the sizes to '
        f'choose from (default {" ".join(map(str, CANDIDATES))}). Samples are images; of videos '
        'clips, or images of a network that sees frames one by one',
    )
    parser.add_argument(
        '--tune',
        action='store_true',
        help='with --backend: first time batches of the largest --batch-sizes, whole and with '
        'early exit, in graphs up to each size, and go on with the best of every classifier',
    )
    parser.add_argument('--dtype', choices=DTYPES, default='float32', help='(default float32)')
    parser.add_argument('--channels-last', action='store_true', help='memory format of torch alone')
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


def load(
    args: argparse.Namespace, limits: RoundLimits
) -> tuple[list[TimedModel], list[TimedDetector]]:
    """The models with their samples, on the CPU; of detectors one entry for each scale."""
    models = load_trained_models(args.models, 'cpu', args.cfg_options)
    classifiers, detectors = classifiers_and_detectors(models)
    if args.scales and not detectors:
        raise UserError('--scales is for detectors, and none of the configs describes one')
    if classifiers and not args.tables:
        raise UserError(
            f'give --tables DIR, what tools/budget_curve.py --out wrote for {classifiers[0].name}: '
            'thresholds are chosen on its tables'
        )
    timed = load_timed_models(
        classifiers,
        args.tables,
        args.budgets if args.budgets_gmacs is None else args.budgets_gmacs,
        args.policy,
        args.images,
        least_videos=max(args.batch_sizes),
    )
    images = min(args.images, images_needed(limits))
    return timed, load_timed_detectors(detectors, args.scales, args.tables, images)


@exits_on_user_error
def main() -> None:
    args = parse_args()
    logging.basicConfig(level=logging.INFO, format='%(message)s')
    check_options(args)
    # Early exit makes batches of many sizes; oneDNN is to remember its kernels for all of them.
    os.environ.setdefault('ONEDNN_PRIMITIVE_CACHE_CAPACITY', ONEDNN_KERNELS)
    kept = keep_memory()
    limits = RoundLimits(args.rounds, args.warmup, args.seconds)
    device, dtype = check_device(args.device), getattr(torch, args.dtype)
    form = RunForm(
        *(device, dtype, args.channels_last, args.backend, args.graphs, args.tune, args.threads)
    )
    if args.threads:
        torch.set_num_threads(args.threads)
    classifiers, detectors = load(args, limits)
    prepared = [ready_model(model, form, max(args.batch_sizes), limits) for model in classifiers]
    classifiers = [one.model for one in prepared]
    plain = (device, dtype, args.channels_last)
    detectors = [detector.prepared(*plain) for detector in detectors]
    machine = form.recorded(machine_record(*plain))
    machine = replace(machine, settings=machine.settings | kept)
    latencies, ratios = [], []
    if classifiers:
        latencies, ratios = measure_latency(classifiers, args.batch_sizes, limits, device)
    data = measure_data_times(classifiers, device, args.data_samples)
    detector_data = measure_data_times(detectors, device, args.data_samples)
    detector_latencies = measure_detectors(detectors, limits, device, data=detector_data)
    record = LatencyFile(
        schema_version=LATENCY_VERSION,
        created=datetime.datetime.now(datetime.timezone.utc).isoformat(timespec='seconds'),
        command=shlex.join(['python', *sys.argv]),
        machine=replace(machine, states_after=machine_states(device)),
        warmup_rounds=limits.warmup,
        rounds=limits.rounds,
        models=[
            replace(one, data=of_one, agreement=before.agreement, tuning=before.tuning)
            for one, of_one, before in zip(latencies, data, prepared, strict=True)
        ],
        ratios=ratios,
        seconds=limits.seconds,
        detectors=detector_latencies,
    )
    write_latency(record, args.out)
    print(latency_text(record))
    print(args.out)


if __name__ == '__main__':
    main()
