"""Below the latencies: how long reading and preparing a sample takes, beside the network."""

from dataclasses import dataclass

from ..latency_data import (
    CONDITIONS,
    DataBalance,
    data_balance,
    is_bottleneck,
    reading_text,
    several_findings,
)
from ..times import batch_name, timed_batches
from .page_panels import PagePanel


@dataclass(frozen=True)
class DataRow:
    """One model.

    Attributes:
        model: Its index in the panel.
        balance: What was measured.
        network_ms: The full network's milliseconds for a sample at its smallest batch size.
        run: That batch size in words.
        ratio: Loading by ``network_ms``.
        loaders: Loader processes that keep up.
    """

    model: int
    balance: DataBalance
    network_ms: float
    run: str
    ratio: float
    loaders: int


@dataclass(frozen=True)
class DataTimes:
    """What is said about a panel.

    Attributes:
        finding: A sentence without its full stop.
        slow: Whether some network is faster than one loader process.
        rows: The models whose reading was timed.
        reading: What counts as reading; several entries where models differ.
        conditions: How the times were taken.
    """

    finding: str
    slow: bool
    rows: list[DataRow]
    reading: list[str]
    conditions: str = CONDITIONS


def data_times(panel: PagePanel) -> DataTimes | None:
    """None where no reading was timed."""
    balances = {
        i: balance
        for i, model in enumerate(panel.models)
        if timed_batches(model) and (balance := data_balance(model.latency)) is not None
    }
    if not balances:
        return None
    return DataTimes(
        finding=several_findings({panel.names[i]: one for i, one in balances.items()}),
        slow=any(is_bottleneck(one) for one in balances.values()),
        rows=[_row(i, one) for i, one in balances.items()],
        reading=list(dict.fromkeys(reading_text(one.data) for one in balances.values())),
    )


def _row(model: int, balance: DataBalance) -> DataRow:
    size = balance.smallest
    return DataRow(
        model=model,
        balance=balance,
        network_ms=balance.network_ms[size],
        run=batch_name(size, balance.sample),
        ratio=balance.ratio(size),
        loaders=balance.loaders(size),
    )
