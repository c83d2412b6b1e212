"""What early exits answer, put together from samples that left at different times."""

from collections.abc import Hashable, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from .measures import probabilities


@dataclass(frozen=True, eq=False)
class ExitResult:
    """Answers for N samples, in the order in which the samples were handed in.

    Attributes:
        exit: (N,) index of the exit that answers, int64.
        logits: (N, classes) of that exit; of a group, the mean over its images.
        prediction: (N,) most probable class, int64.
        confidence: (N,) by the policy's measure at that exit, float32.
        reached: (N,) index of the last exit that was run for the sample, int64, which is what the
            sample costs. It differs from ``exit`` only where a run was stopped.
    """

    exit: Tensor
    logits: Tensor
    prediction: Tensor
    confidence: Tensor
    reached: Tensor

    def __len__(self) -> int:
        return len(self.exit)


@dataclass(frozen=True, eq=False)
class Departure:
    """Samples that leave together; see `ExitResult` for what the tensors hold."""

    tickets: list[Hashable]
    exit: int
    reached: int
    logits: Tensor
    confidence: Tensor


def exit_result(departures: Sequence[Departure]) -> ExitResult:
    """Put those who left at different times back into order.

    Args:
        departures: At least one; their tickets are the numbers from 0 on, each once.
    """
    tickets = [ticket for departure in departures for ticket in departure.tickets]
    device = departures[0].logits.device
    logits = torch.cat([departure.logits for departure in departures])
    confidence = torch.cat([departure.confidence for departure in departures])
    order = sorted(range(len(tickets)), key=tickets.__getitem__)
    if order != list(range(len(tickets))):
        rows = torch.tensor(order, device=device)
        logits, confidence = logits[rows], confidence[rows]
    exits = [departure.exit for departure in departures for _ in departure.tickets]
    reached = [departure.reached for departure in departures for _ in departure.tickets]
    return ExitResult(
        exit=torch.tensor([exits[i] for i in order], device=device),
        logits=logits,
        prediction=probabilities(logits).argmax(-1),
        confidence=confidence,
        reached=torch.tensor([reached[i] for i in order], device=device),
    )
