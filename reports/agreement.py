"""Whether a network in another type, or by another backend, answers as in float32, in words."""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import PurePath

from benchmarks.latency_records import Agreement, MachineRecord, ModelLatency
from benchmarks.results import ModelResult

from .labels import counted, one_line
from .latency_data import sample_of


@dataclass(frozen=True)
class AgreementRow:
    """A line of the table, as text; ``same_exit`` is empty where all leave at one exit."""

    what: str
    same_top1: str
    same_exit: str = ''


def agreements(models: Sequence[ModelResult]) -> list[tuple[int, ModelLatency, Agreement]]:
    """Index, times and agreement of the models that were compared with float32."""
    return [
        (i, model.latency, model.latency.agreement)
        for i, model in enumerate(models)
        if model.latency is not None and model.latency.agreement is not None
    ]


def agreement_finding(latency: ModelLatency, machine: MachineRecord, name: str = '') -> str:
    """What one model's comparison says; empty where there was none.

    Args:
        latency: Of the model.
        machine: Says type and backend.
        name: Of the model, if the sentence is to say it.
    """
    found = latency.agreement
    if found is None:
        return ''
    of_model = f'{one_line(name, 60)}, ' if name else ''
    samples = counted(found.images, sample_of(latency).one, sample_of(latency).many)
    exits = 'at the exit' if len(found.same_top1) == 1 else 'at every exit'
    said = (
        f'{of_model}{one_line(machine.dtype, 20)} by {one_line(machine.backend, 20)}: top-1 as in '
        f'float32 {exits} for {percent(found.same_top1_everywhere)} of {samples}'
    )
    if found.policies:
        top1 = min(policy.same_top1 for policy in found.policies)
        left = min(policy.same_exit for policy in found.policies)
        least = f', the least of {len(found.policies)} policies' if len(found.policies) > 1 else ''
        said += (
            f'; with early exit the same top-1 for {percent(top1)} and the same exit for '
            f'{percent(left)}{least}'
        )
    return f'{said}. Logits differ by at most {found.logit_difference:.1e} of the largest one'


def agreement_rows(found: Agreement, cost: Callable[[float], str]) -> list[AgreementRow]:
    """The numbers behind it, exit by exit and policy by policy.

    Args:
        found: Of one model.
        cost: Turns GMACs into text.
    """
    rows = [
        AgreementRow(f'everyone at {one_line(exit, 40)}', percent(share))
        for exit, share in found.same_top1.items()
    ]
    rows.append(AgreementRow('at every exit', percent(found.same_top1_everywhere)))
    for policy in found.policies:
        name = one_line(PurePath(policy.policy).name, 40) if policy.policy else ''
        what = f'early exit, {name or cost(policy.target_gmacs)}'
        rows.append(AgreementRow(what, percent(policy.same_top1), percent(policy.same_exit)))
    return rows


def percent(share: float) -> str:
    """With one decimal, rounded down so that only all of them are 100 %."""
    return f'{math.floor(1000 * share + 1e-9) / 10:.1f} %'
