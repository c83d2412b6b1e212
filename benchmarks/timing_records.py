"""Repeated times as records: of a network's work, and of making samples ready for it.

What names and texts call an image may also be a video, see `benchmarks.latency_records`.
"""

from dataclasses import dataclass


@dataclass(frozen=True)
class Timing:
    """Many repeats of the same work on one batch.

    Attributes:
        batch_size: Images in a batch.
        p50_ms: Median time of a batch; p90 and p99 likewise.
        ms_per_image: Median over the rounds of a round's time by its images. With early exits and
            one image at a time the median batch would be that of one exit or another; this is not.
        images_per_second: 1000 / ``ms_per_image``.
        peak_memory_mb: Weights, images and the most memory that was needed on top, in MiB:
            allocated by torch on a GPU, growth of the resident size on a CPU; None where it cannot
            be read. Measured apart from the times.
        samples_ms: The times of all batches, in the order they were taken.
        batches_per_round: So many successive samples are one round.
    """

    batch_size: int
    p50_ms: float
    p90_ms: float
    p99_ms: float
    ms_per_image: float
    images_per_second: float
    peak_memory_mb: float | None
    samples_ms: list[float]
    batches_per_round: int = 1


@dataclass(frozen=True)
class StageTime:
    """One stage of making samples ready, one sample at a time.

    Attributes:
        mean_ms: Of a sample: median over the passes of a pass's mean.
        p50_ms: Median of all times; p90 likewise.
        samples_ms: All times, pass by pass and in each pass in the order of the samples.
    """

    mean_ms: float
    p50_ms: float
    p90_ms: float
    samples_ms: list[float]


@dataclass(frozen=True)
class DataTime:
    """How long a test sample takes from where it is stored to the network, on a warm file cache.

    Attributes:
        samples: How many different ones, spread evenly over those that the network was timed on.
        passes: How often each was made ready; a pass before these, which warms the file cache,
            does not count.
        reading: From asking the data set for a sample to decoded pixels: all that is not one of
            the other steps of its pipeline. Where pictures lie in memory it is fetching one.
        transforms: The other steps: choosing frames, resizing, cropping, packing.
        preprocessing: The data preprocessor, for one sample, where the network is: the way to a
            GPU, normalising.
        reading_steps: Names of the pipeline's steps that count as reading.
        transform_steps: Names of the others.
    """

    samples: int
    passes: int
    reading: StageTime
    transforms: StageTime
    preprocessing: StageTime
    reading_steps: list[str]
    transform_steps: list[str]
