"""Which maps of a network each exit has to compute: a plan made once, from what reads what.

A map is a name. Whoever runs the plan keeps the maps in a dict of that name.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class StepPlan:
    """What a network does on its way from one exit to the next.

    Attributes:
        compute: Maps to compute, in this order.
        carry: Maps that are there afterwards and that later steps read.
    """

    compute: tuple[str, ...]
    carry: tuple[str, ...]


def lazy_steps(
    inputs: Mapping[str, Sequence[str]], given: Iterable[str], exits: Sequence[str]
) -> tuple[StepPlan, ...]:
    """Compute each map at the first exit that depends on it, and never if no exit does.

    Args:
        inputs: By map, the maps it is computed from; in an order in which all can be computed.
        given: Maps computed before the first exit in any case.
        exits: The map that each exit reads, in order of execution.

    Returns:
        One plan for the start, whose ``compute`` is ``given``, then one for each exit.
    """
    order = {name: i for i, name in enumerate(inputs)}
    batches = [set(given)]
    done = set(given)
    for name in exits:
        missing = _missing(name, inputs, done)
        batches.append(missing)
        done |= missing

    plans: list[StepPlan] = []
    # Maps that the steps behind the one looked at read; it grows from the last step to the first.
    read_later: set[str] = set()
    for i in reversed(range(len(batches))):
        there = set().union(*batches[: i + 1])
        plans.append(
            StepPlan(
                tuple(sorted(batches[i], key=order.__getitem__)),
                tuple(sorted(there & read_later, key=order.__getitem__)),
            )
        )
        read_later |= {name for computed in batches[i] for name in inputs[computed]}
        read_later |= {exits[i - 1]} if i else set()
    return tuple(reversed(plans))


def _missing(name: str, inputs: Mapping[str, Sequence[str]], done: set[str]) -> set[str]:
    """Everything ``name`` depends on, itself included, that is not done yet."""
    missing: set[str] = set()
    stack = [name]
    while stack:
        current = stack.pop()
        if current not in done and current not in missing:
            missing.add(current)
            stack += inputs[current]
    return missing
