"""Times that look like measured ones: an overhead per batch and exit, and time per multiply-add."""

from itertools import combinations, product

import numpy as np

from benchmarks.interval import Interval
from benchmarks.latency_records import (
    Agreement,
    BatchLatency,
    DynamicLatency,
    ExitLatency,
    LatencyRatio,
    MachineRecord,
    ModelLatency,
    PolicyAgreement,
)
from benchmarks.results import TimingContext
from benchmarks.timing_records import DataTime, StageTime, Timing

BATCH_SIZES = (1, 64)
GMACS_PER_MS = 0.4
ENGINE_OVERHEAD = 1.03


def made_up_latency(name, exits, points, config, checkpoint, input_shape, seed=0):
    """A `ModelLatency`: each exit at two batch sizes, and real early exit at three budgets.

    Args:
        exits: Name to GMACs.
        points: The curve; budgets at a quarter, a half and three quarters of it are timed.
        config: `FileRecord`, as ``checkpoint`` is.
    """
    random = np.random.default_rng(seed)
    count = len(points)
    timed = [points[count * k // 4] for k in (1, 2, 3)] if len(exits) > 1 else []
    batches = []
    for size in BATCH_SIZES:
        times = [_batch_ms(size, k, gmacs) for k, gmacs in enumerate(exits.values())]
        batches.append(
            BatchLatency(
                batch_size=size,
                exits=[
                    ExitLatency(exit, gmacs, _timing(size, time, random))
                    for (exit, gmacs), time in zip(exits.items(), times, strict=True)
                ],
                dynamic=[_dynamic(size, point, times, random) for point in timed],
            )
        )
    return ModelLatency(
        name=name,
        config_sha256=config.sha256,
        weights_sha256=checkpoint.sha256,
        input_shape=input_shape,
        measure='max_softmax',
        batches=batches,
        data=made_up_data(),
    )


def made_up_data(reading=0.21, transforms=0.35, preprocessing=0.042, steps=('LoadImageFromFile',)):
    """A `DataTime` with these means in milliseconds.

    Args:
        steps: Those that count as reading.
    """
    stages = [
        StageTime(mean, 0.9 * mean, 1.2 * mean, [0.9 * mean, 1.2 * mean] * 160)
        for mean in (reading, transforms, preprocessing)
    ]
    return DataTime(64, 5, *stages, list(steps), ['ResizeEdge', 'CenterCrop', 'PackInputs'])


def made_up_agreement(latency):
    """An `Agreement` of a `ModelLatency`: later exits agree better, and so do dearer budgets."""
    batch = latency.batches[-1]
    return Agreement(
        images=1024,
        batch_size=batch.batch_size,
        same_top1={exit.exit: 0.991 + 0.003 * k for k, exit in enumerate(batch.exits)},
        same_top1_everywhere=0.989,
        logit_difference=0.025,
        policies=[
            PolicyAgreement(run.target_gmacs, 0.996 + 0.001 * i, 0.987 + 0.001 * i)
            for i, run in enumerate(batch.dynamic)
        ],
    )


def made_up_timing(models, kind='cpu'):
    """What the models' times have in common; None where no model was timed."""
    timed = [model.latency for model in models if model.latency is not None]
    if not timed:
        return None
    states = {'clock, MHz': '2900', 'load, 1 minute': '0.21'}
    if kind == 'cuda':
        states = {'graphics clock, MHz': '1980', 'power draw, W': '212.4'}
    return TimingContext(
        created='2025-03-14T10:02:11+00:00',
        command='python tools/benchmark.py work_dirs/demo/report',
        machine=MachineRecord(
            device='Example Processor 9000' if kind == 'cpu' else 'Example Accelerator X100',
            kind=kind,
            threads=2,
            dtype='float32',
            memory_format='contiguous',
            versions={'python': '3.11.7', 'torch': '2.14.1'},
            states=states,
        ),
        ratios=[
            _ratio((one.name, other.name), pair)
            for one, other in combinations(timed, 2)
            for pair in product(one.batches, other.batches)
            if pair[0].batch_size == pair[1].batch_size
        ],
    )


def _batch_ms(size, k, gmacs):
    return 1.0 + 0.5 * k + size * gmacs / GMACS_PER_MS


def _timing(size, milliseconds, random, repeats=120):
    samples = milliseconds * (1 + random.gamma(1.0, 0.02, repeats))
    p50, p90, p99 = (float(np.percentile(samples, p)) for p in (50, 90, 99))
    return Timing(
        batch_size=size,
        p50_ms=p50,
        p90_ms=p90,
        p99_ms=p99,
        ms_per_image=p50 / size,
        images_per_second=1000 * size / p50,
        peak_memory_mb=310.0 + 1.5 * size,
        samples_ms=[float(sample) for sample in samples],
    )


def _dynamic(size, point, times, random):
    shares = np.array(list(point.exit_shares.values()))
    predicted = float(shares @ times)
    speedup = times[-1] / predicted / ENGINE_OVERHEAD
    return DynamicLatency(
        target_gmacs=point.target_gmacs,
        thresholds=dict(point.thresholds),
        gmacs_mean=point.gmacs_mean,
        exit_shares=dict(point.exit_shares),
        timing=_timing(size, predicted * ENGINE_OVERHEAD, random),
        predicted_ms_per_image=predicted / size,
        predicted_speedup=times[-1] / predicted,
        realised_speedup=speedup,
        realised_interval=Interval(0.97 * speedup, 1.02 * speedup),
        images=320,
        disagreements=0,
    )


def _ratio(names, batches):
    whole = [batch.exits[-1].timing.p50_ms for batch in batches]
    ratio = whole[0] / whole[1]
    interval = Interval(0.98 * ratio, 1.02 * ratio)
    return LatencyRatio(*names, batches[0].batch_size, ratio, interval)
