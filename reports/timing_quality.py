"""How far measured times can be trusted: the number of rounds, and how busy the machine was."""

from collections.abc import Sequence

from benchmarks.latency_records import MachineRecord, Timing
from benchmarks.results import ModelResult, Results

from .labels import counted, one_line
from .times import timed_batches

FEWEST_ROUNDS = 20
"""With fewer, a reader is warned."""

LEAST_SAMPLES = {90: 10, 99: 100}
"""A percentile of fewer samples would be the slowest one by another name."""

LOAD = 'load, 1 minute'


def known_percentile(timing: Timing, percent: int) -> float | None:
    """p90 or p99 in milliseconds; None where there are too few samples for it."""
    enough = len(timing.samples_ms) >= LEAST_SAMPLES[percent]
    return {90: timing.p90_ms, 99: timing.p99_ms}[percent] if enough else None


def count_rounds(timing: Timing) -> int:
    """How many rounds the time is the median of."""
    return len(timing.samples_ms) // max(timing.batches_per_round, 1)


def timing_conditions(results: Results, models: Sequence[ModelResult]) -> str:
    """Rounds and load in a sentence or two; empty where nothing was timed."""
    return conditions_of(results, _timings(models))


def conditions_of(results: Results, timings: Sequence[Timing]) -> str:
    """The same of any timings."""
    counts = [count_rounds(timing) for timing in timings]
    if not counts:
        return ''
    low, high = min(counts), max(counts)
    said = counted(low, 'round') if low == high else f'{low} to {high} rounds'
    load = _load_text(results)
    return f'Times are medians of {said}.' + (f' {load}.' if load else '')


def timing_warnings(results: Results, models: Sequence[ModelResult]) -> list[str]:
    """Sentences about what makes the times doubtful; empty if nothing does."""
    return warnings_of(results, _timings(models))


def warnings_of(results: Results, timings: Sequence[Timing]) -> list[str]:
    """The same of any timings."""
    counts, said = [count_rounds(timing) for timing in timings], []
    if counts and min(counts) < FEWEST_ROUNDS:
        said.append(
            f'Only {counted(min(counts), "round")}: times and intervals from fewer than '
            f'{FEWEST_ROUNDS} rounds are rough'
        )
    if results.timing is not None:
        machine = results.timing.machine
        cores, loads = _number(machine.settings.get('usable cores')), _loads(machine)
        known = [load for load in map(_number, loads.values()) if load is not None]
        if cores and known and max(known) > cores:
            said.append(
                f'The machine was busy: load {max(known):.2f} on '
                f'{counted(round(cores), "usable core")}, so other work slowed what was timed'
            )
    return said


def _timings(models: Sequence[ModelResult]) -> list[Timing]:
    """Every time of every model."""
    return [
        record.timing
        for model in models
        for batch in timed_batches(model)
        for record in (*batch.exits, *batch.dynamic)
    ]


def _load_text(results: Results) -> str:
    if results.timing is None:
        return ''
    machine = results.timing.machine
    loads = [f'{one_line(load, 20)} {when}' for when, load in _loads(machine).items()]
    cores = _number(machine.settings.get('usable cores'))
    where = f', on {counted(round(cores), "usable core")}' if cores else ''
    return f'Machine load: {" and ".join(loads)}{where}' if loads else ''


def _loads(machine: MachineRecord) -> dict[str, str]:
    """Before and after, as far as they are known."""
    loads = {'before': machine.states.get(LOAD), 'after': machine.states_after.get(LOAD)}
    return {when: load for when, load in loads.items() if load}


def _number(text: str | None) -> float | None:
    try:
        return float(text) if text else None
    except ValueError:
        return None
