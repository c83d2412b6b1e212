"""Whether saved multiply-adds became saved time: what MACs predict, and what was realised.

MACs predict that a run is as many times faster than the whole network as that has more MACs. It is
what papers promise. A prediction from the exits' times knows how well the machine does each step,
and what was realised also holds the cost of leaving, and of smaller batches.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

from benchmarks.latency_records import BatchLatency, DynamicLatency, MachineRecord
from benchmarks.results import ModelResult, Results

from .axes import CostUnit
from .findings import cost_percent
from .labels import counted, one_line
from .times import batch_name, timed_batches

LEAST_SHARE = 0.85
"""A run that realises a smaller share of the speed-up that its MACs predict falls short."""

SLOWER, EQUAL, SHORT, PAYS, NO_SAVING = (
    'is slower',
    'is not surely faster',
    'falls short',
    'pays',
    'saves no MACs',
)
"""What a run of early exit comes to."""

PUBLISHED_MACS = (
    'MACs are those of the networks as their papers have them. What runs may have fewer, eager as '
    'well as compiled, above all in its last steps; leaving early then spares less than MACs '
    'predict.'
)
"""What else keeps realised and predicted speed-up apart, for the notes."""


@dataclass(frozen=True)
class SpeedUp:
    """One run of early exit against the whole network.

    Attributes:
        run: What was measured.
        whole_gmacs: What the whole network costs.
    """

    run: DynamicLatency
    whole_gmacs: float

    @property
    def by_macs(self) -> float:
        """The speed-up if time were MACs; of the very samples that were timed."""
        return self.whole_gmacs / self.run.gmacs_mean

    @property
    def share(self) -> float:
        """How much of that was realised."""
        return self.run.realised_speedup / self.by_macs

    @property
    def share_percent(self) -> int:
        """`share` in whole percent, rounded down so that it claims nothing extra."""
        return math.floor(100 * self.share + 1e-9)

    @property
    def saves_macs(self) -> bool:
        """Whether anybody left early; else no speed-up is predicted."""
        return not math.isclose(self.by_macs, 1, rel_tol=1e-9)

    @property
    def is_half(self) -> bool:
        """Whether it is the run whose budget is half of the whole network's MACs."""
        half = self.whole_gmacs / 2
        return self.run.policy is None and math.isclose(self.run.target_gmacs, half, rel_tol=1e-6)

    @property
    def verdict(self) -> str:
        """`SLOWER` or `EQUAL` by the interval, `SHORT` below `LEAST_SHARE`, else `PAYS`.

        A run without savings is `NO_SAVING` unless it is slower.
        """
        interval = self.run.realised_interval
        if interval.high < 1:
            return SLOWER
        if not self.saves_macs:
            return NO_SAVING
        if interval.low <= 1:
            return EQUAL
        return SHORT if self.share < LEAST_SHARE else PAYS


def speedups(batch: BatchLatency) -> list[SpeedUp]:
    """The runs of one model at one batch size along its curve, the cheapest first."""
    whole = batch.exits[-1].gmacs
    found = [SpeedUp(run, whole) for run in batch.dynamic]
    return sorted(found, key=lambda one: one.run.gmacs_mean)


def has_speedups(results: Results) -> bool:
    """Whether early exit was timed in any model."""
    return any(batch.dynamic for model in results.models for batch in timed_batches(model))


def speedup_finding(models: Sequence[ModelResult]) -> str:
    """How much of what MACs predict is realised, over all runs of some models that save any."""
    batches = [batch for model in models for batch in timed_batches(model)]
    found = [one for batch in batches for one in speedups(batch) if one.saves_macs]
    if not found:
        return 'Early exit against the full network'
    low, high = (end(one.share_percent for one in found) for end in (min, max))
    said = f'{low} %' if low == high else f'{low} to {high} %'
    return f'Early exit realises {said} of the speed-up that its MACs predict'


def payoff_findings(
    models: Sequence[ModelResult], names: Sequence[str], unit: CostUnit
) -> list[str]:
    """What early exit brings at half of the MACs, and where it does not pay; empty for no runs.

    Args:
        models: With their names, which a sentence says if there are several.
        names: In the same order.
        unit: Of costs.
    """
    verdicts, said = set(), []
    for model, name in zip(models, names, strict=True):
        for batch in timed_batches(model):
            verdicts |= {one.verdict for one in speedups(batch)}
            said += _payoff(batch, unit, name if len(models) > 1 else '')
    if verdicts == {PAYS}:
        said.append(
            f'Wherever early exit was timed, it realises at least {100 * LEAST_SHARE:.0f} % of the '
            'speed-up that its MACs predict'
        )
    return said


def _payoff(batch: BatchLatency, unit: CostUnit, name: str) -> list[str]:
    """Of one model at one batch size: half of the MACs, then the worst run of every bad verdict."""
    runs = speedups(batch)
    said = [f'{_beginning(one, batch, unit, name)} {_found(one)}' for one in runs if one.is_half]
    for verdict in (SLOWER, EQUAL, SHORT):
        alike = [one for one in runs if one.verdict == verdict and not one.is_half]
        if not alike:
            continue
        worst = min(alike, key=lambda one: one.share)
        sentence = f'{_beginning(worst, batch, unit, name)} {_found(worst)}'
        count = sum(one.verdict == verdict for one in runs)
        if count > 1:
            sentence += f' ({count} of {counted(len(runs), "run")} are like that)'
        said.append(sentence)
    return said


def machine_words(machine: MachineRecord) -> str:
    """Device, threads, type, and what ran the steps in a line."""
    threads = f', {counted(machine.threads, "thread")}' if machine.kind == 'cpu' else ''
    return (
        f'{one_line(machine.device, 80)}{threads}, {one_line(machine.dtype, 20)}, '
        f'{one_line(machine.ran_by, 60)}'
    )


def _beginning(one: SpeedUp, batch: BatchLatency, unit: CostUnit, name: str) -> str:
    """Of what a sentence speaks."""
    where = batch_name(batch.batch_size, unit.sample)
    of_model = f' of {one_line(name, 60)}' if name else ''
    cost = unit.cost(one.run.gmacs_mean)
    half = ', for a budget of half of the MACs,' if one.is_half else ''
    return f'{where[0].upper()}{where[1:]}, early exit{of_model} at {cost}{half}'


def _found(one: SpeedUp) -> str:
    """What came of a run."""
    run, percent = one.run, cost_percent(1 / one.by_macs)
    interval = f'{run.realised_interval.low:.2f} to {run.realised_interval.high:.2f}'
    if one.verdict == SLOWER:
        macs = f'though it has {percent} % of the MACs' if one.saves_macs else 'and saves no MACs'
        return f'takes {1 / run.realised_speedup:.2f} times as long as the full network, {macs}'
    if one.verdict == EQUAL:
        return (
            f'cannot be told from the full network (95 % interval {interval} times as fast), '
            f'though it has {percent} % of the MACs'
        )
    return (
        f'is {run.realised_speedup:.2f} times as fast as the full network (95 % interval '
        f'{interval}), {one.share_percent} % of the {one.by_macs:.2f} times that its MACs predict'
    )
