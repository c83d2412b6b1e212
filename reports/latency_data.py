"""Whether samples are made ready as fast as the network takes them, in words."""

import math
from collections.abc import Mapping
from dataclasses import dataclass

from benchmarks.latency_records import DataTime, ModelLatency
from benchmarks.results import ACTION, CLASSIFICATION

from .sample_words import SampleWords, sample_words
from .times import batch_name

CONDITIONS = (
    'one at a time in one process, without a data loader, with one thread for torch and OpenCV, on '
    'a warm file cache'
)
"""How the times of reading were taken."""


@dataclass(frozen=True)
class DataBalance:
    """What a loader process does for a sample against what the full network takes for it.

    Attributes:
        data: What was measured.
        sample: What it is of: ``image`` or ``video``.
        network_ms: By batch size, ascending: the full network's milliseconds for a sample.
    """

    data: DataTime
    sample: str
    network_ms: dict[int, float]

    @property
    def loading_ms(self) -> float:
        """What a loader process takes for a sample: reading and the other steps."""
        return self.data.reading.mean_ms + self.data.transforms.mean_ms

    @property
    def smallest(self) -> int:
        """The smallest batch size, one sample at a time where that was timed."""
        return min(self.network_ms)

    @property
    def fastest(self) -> int:
        """The batch size at which the network takes the least time for a sample."""
        return min(self.network_ms, key=lambda size: (self.network_ms[size], size))

    def ratio(self, batch_size: int) -> float:
        """Loading by the full network's time."""
        return self.loading_ms / self.network_ms[batch_size]

    def loaders(self, batch_size: int) -> int:
        """Loader processes that keep up with the full network."""
        return max(math.ceil(self.ratio(batch_size)), 1)


def sample_of(latency: ModelLatency) -> SampleWords:
    """What a timed model takes, by the shape of its samples."""
    return sample_words(ACTION if len(latency.input_shape) == 4 else CLASSIFICATION)


def data_balance(latency: ModelLatency | None) -> DataBalance | None:
    """None where nothing was measured."""
    if latency is None or latency.data is None or not latency.batches:
        return None
    batches = sorted(latency.batches, key=lambda batch: batch.batch_size)
    network = {batch.batch_size: batch.exits[-1].timing.ms_per_image for batch in batches}
    return DataBalance(latency.data, sample_of(latency).one, network)


def data_finding(balance: DataBalance, name: str = '') -> str:
    """How long loading takes against the network, and how many processes that asks for.

    Args:
        balance: Of a model.
        name: Of the model, if the sentence is to say it.
    """
    small, fast = balance.smallest, balance.fastest
    word, network = balance.sample, f'the full network{f" of {name}" if name else ""}'
    needed, most = balance.loaders(small), balance.loaders(fast)
    if balance.ratio(small) > 1:
        said = (
            f'{_subject(word)} {_times(balance.ratio(small))} times as long as {network}, '
            f'{batch_name(small, word)}: {_processes(needed)} would be needed to keep up'
        )
        return said + (f', {most} {batch_name(fast, word)}' if most > needed else '')
    if is_bottleneck(balance):
        return (
            f'{_subject(word)} {_times(balance.ratio(fast))} times as long as {network}, '
            f'{batch_name(fast, word)}: {_processes(most)} would be needed to keep up; '
            f'{batch_name(small, word)}, one keeps up'
        )
    return (
        f'{_subject(word)} {_share(balance.ratio(fast))} of the time of {network}, '
        f'{batch_name(fast, word)}: one loader process keeps up'
    )


def several_findings(balances: Mapping[str, DataBalance]) -> str:
    """The same about several models; what is known of one alone is said of that one.

    Args:
        balances: By name; of models that take the same kind of sample.
    """
    if not balances:
        return ''
    if len(balances) == 1:
        return data_finding(*balances.values())
    slow = {name: one for name, one in balances.items() if is_bottleneck(one)}
    if not slow:
        return f'One loader process keeps up with each of the {len(balances)} full networks'
    name = max(slow, key=lambda name: slow[name].ratio(slow[name].fastest))
    worst = slow[name]
    fast, word = worst.fastest, worst.sample
    return (
        f'{_subject(word)} longer than the full network of {len(slow)} of {len(balances)} models: '
        f'up to {_times(worst.ratio(fast))} times as long ({name}, {batch_name(fast, word)}), so '
        f'that {_processes(worst.loaders(fast))} would be needed to keep up'
    )


def is_bottleneck(balance: DataBalance) -> bool:
    """Whether one loader process is slower than the full network at its fastest."""
    return balance.ratio(balance.fastest) > 1


def reading_text(data: DataTime) -> str:
    """What counts as reading."""
    if not data.reading_steps:
        return 'what the data set does to hand out a sample; its pipeline reads no file'
    return ', '.join(data.reading_steps)


def _subject(word: str) -> str:
    return f'Reading and preparing {"an" if word == "image" else "a"} {word} takes'


def _processes(count: int) -> str:
    return f'{count:,} loader process{"" if count == 1 else "es"}'


def _times(ratio: float) -> str:
    decimals = 2 if ratio < 2 else 1 if ratio < 100 else 0
    return f'{ratio:,.{decimals}f}'


def _share(ratio: float) -> str:
    percent = 100 * ratio
    return f'{percent:.0f} %' if percent >= 1 else 'less than 1 %'
