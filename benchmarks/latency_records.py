"""What a latency measurement is on disk: typed, versioned, raw samples included.

Times are wall-clock milliseconds of one batch unless a name says otherwise. A round is what is
timed of every model in turn: one large batch, or several small ones. Where names and texts say
image, a video is meant of models that take videos: a sample, what one label belongs to. Detectors
take one image at a time.
"""

from dataclasses import dataclass, field
from pathlib import Path

from dynp_plugins.typed_json import read_json, write_json

from .detection_records import DetectorLatency
from .interval import Interval
from .timing_records import DataTime, Timing

LATENCY_VERSION = 2


@dataclass(frozen=True)
class ExitLatency:
    """Everything up to one exit, for a whole batch: what it costs if every image leaves there."""

    exit: str
    gmacs: float
    timing: Timing


@dataclass(frozen=True)
class DynamicLatency:
    """Real early exit at one budget, on images of the test split.

    Attributes:
        target_gmacs: The budget that the thresholds were chosen for; the mean cost on the
            calibration split of a policy that was not made for a budget.
        thresholds: By exit but the last; None where nobody leaves.
        gmacs_mean: Mean cost of the timed images.
        exit_shares: Fraction of the timed images that left at each exit.
        timing: Of the engine on batches of test images.
        predicted_ms_per_image: The exits' latencies at this batch size weighted by the shares.
        predicted_speedup: The whole network's time by the predicted time.
        realised_speedup: The whole network's time, on the same images and interleaved, by the
            engine's; median of the rounds.
        realised_interval: 95 % interval of that ratio, bootstrapped over the rounds.
        images: How many different test images were run.
        disagreements: Images whose exit or prediction differs from the exit table's.
        near_threshold: Those among them whose exit differs, and whose confidence lies so close to
            the threshold that rounding explains it.
        measure: The confidence measure.
        method: How the thresholds were chosen.
        policy: The policy's file; None for a budget.
    """

    target_gmacs: float
    thresholds: dict[str, float | None]
    gmacs_mean: float
    exit_shares: dict[str, float]
    timing: Timing
    predicted_ms_per_image: float
    predicted_speedup: float
    realised_speedup: float
    realised_interval: Interval
    images: int
    disagreements: int
    near_threshold: int = 0
    measure: str = 'max_softmax'
    method: str = 'geometric'
    policy: str | None = None


@dataclass(frozen=True)
class BatchLatency:
    """One model at one batch size."""

    batch_size: int
    exits: list[ExitLatency]
    dynamic: list[DynamicLatency]


@dataclass(frozen=True)
class PolicyAgreement:
    """Early exit by one policy, compared with the exit table.

    Attributes:
        target_gmacs: See `DynamicLatency`, as ``policy``.
        same_top1: Fraction of the images with the predicted class of the table.
        same_exit: Fraction of the images that leave where the table says.
    """

    target_gmacs: float
    same_top1: float
    same_exit: float
    policy: str | None = None


@dataclass(frozen=True)
class Agreement:
    """How far a model answers as in its exit table, which eager PyTorch made in float32.

    Attributes:
        images: So many test images were compared, each at all exits.
        batch_size: In batches of so many.
        same_top1: By exit, fraction of the images with the same predicted class.
        same_top1_everywhere: Fraction of the images where that holds at every exit.
        logit_difference: The largest distance of a logit from that in float32, by the largest
            absolute logit in float32.
        policies: In the order they were timed.
    """

    images: int
    batch_size: int
    same_top1: dict[str, float]
    same_top1_everywhere: float
    logit_difference: float
    policies: list[PolicyAgreement]


@dataclass(frozen=True)
class GraphTime:
    """The whole network and early exit in graphs of one batch size, and of smaller ones.

    Attributes:
        batch_size: Samples in a graph's batch; images where the network sees the frames of a video
            one by one.
        ms_per_image: Of a sample, mean of the whole network and of early exit with each policy;
            median over the rounds. ``least_ms`` and ``greatest_ms`` are of one round.
        ratio: Its time by that of the best size in the same round; median over the rounds.
    """

    batch_size: int
    ms_per_image: float
    least_ms: float
    greatest_ms: float
    ratio: float


@dataclass(frozen=True)
class Tuning:
    """How the batch sizes of a model's graphs were found.

    Attributes:
        batch_size: Images in the batches that were cut into those of the graphs.
        rounds: In every one all sizes were timed in turn.
        sizes: What was timed, rising.
        graph_sizes: What it was then run with: the best, and for what is left over those below it.
    """

    batch_size: int
    rounds: int
    sizes: list[GraphTime]
    graph_sizes: list[int]


@dataclass(frozen=True)
class ModelLatency:
    """One model's times; the hashes say which model, as in ``results.json``.

    Attributes:
        input_shape: Of a sample: (channels, height, width), or (frames, channels, height, width).
        measure: The confidence measure of the budgets; policies have their own.
        data: None where it was not measured.
        agreement: None where the model ran as the exit table was made.
        tuning: None where the sizes of its graphs were given, or it had none.
    """

    name: str
    config_sha256: str
    weights_sha256: str
    input_shape: list[int]
    measure: str
    batches: list[BatchLatency]
    data: DataTime | None = None
    agreement: Agreement | None = None
    tuning: Tuning | None = None


@dataclass(frozen=True)
class LatencyRatio:
    """Two models timed interleaved, the whole network each, at one batch size.

    ``ratio`` is the time of ``model`` by the time of ``baseline``: median over the rounds.
    """

    model: str
    baseline: str
    batch_size: int
    ratio: float
    interval: Interval


@dataclass(frozen=True)
class MachineRecord:
    """Where and how the times were taken.

    Attributes:
        device: Name of the processor or GPU.
        kind: ``cpu`` or ``cuda``.
        threads: Of torch, and of the backend, on a CPU.
        dtype: Of weights and images, such as ``float32``.
        memory_format: ``contiguous`` or ``channels_last``, of what torch alone runs.
        versions: Package name to version.
        states: Clock, power and load as far as they can be read, name with unit to value; before
            anything was timed.
        states_after: The same once all was timed.
        settings: Of torch and of the environment, as far as they change times.
        backend: What ran the classifiers' steps; detectors are run by torch alone.
        graph_sizes: Samples in the batches that its graphs were made for; none where every batch
            ran as it is, and where each model has sizes of its own.
        tuned: Whether they were measured for each model, see `Tuning`.
    """

    device: str
    kind: str
    threads: int
    dtype: str
    memory_format: str
    versions: dict[str, str]
    states: dict[str, str]
    states_after: dict[str, str] = field(default_factory=dict)
    settings: dict[str, str] = field(default_factory=dict)
    backend: str = 'eager'
    graph_sizes: list[int] = field(default_factory=list)
    tuned: bool = False

    @property
    def ran_by(self) -> str:
        """The backend in words; with torch alone the memory format, which graphs choose."""
        if self.tuned:
            return f'{self.backend} in batches tuned for each model'
        if self.graph_sizes:
            *others, last = map(str, self.graph_sizes)
            sizes = f'{", ".join(others)} and {last}' if others else last
            return f'{self.backend} in batches of {sizes}'
        return f'{self.memory_format}, {self.backend}'


@dataclass(frozen=True)
class LatencyFile:
    """All that one call of ``tools/benchmark.py`` measured.

    Attributes:
        warmup_rounds: Before every batch size; their times are dropped.
        rounds: The most that were asked for.
        seconds: No round began later than so long after the first one of a batch size; None where
            there was no such limit.
        detectors: At every scale that was timed.
    """

    schema_version: int
    created: str
    command: str
    machine: MachineRecord
    warmup_rounds: int
    rounds: int
    models: list[ModelLatency]
    ratios: list[LatencyRatio]
    seconds: float | None = None
    detectors: list[DetectorLatency] = field(default_factory=list)


def write_latency(record: LatencyFile, path: str | Path) -> None:
    """Write the file whole or not at all."""
    write_json(record, path)


def read_latency(path: str | Path) -> LatencyFile:
    """Read and check a latency file.

    Raises:
        UserError: See `dynp_plugins.typed_json.read_json`.
    """
    remedy = 'run tools/benchmark.py again'
    return read_json(LatencyFile, path, 'latency', LATENCY_VERSION, remedy)
