"""The samples that are still in: their state and logits so far, to be thinned, split and merged."""

from collections.abc import Hashable, Sequence
from dataclasses import dataclass, field, replace

import torch
from torch import Tensor

from ..errors import UserError

IMAGES = 'images'
"""The one state entry before the first step."""


@dataclass(eq=False)
class Survivors:
    """Samples on their way through a network, all behind the same exit.

    Attributes:
        tickets: One per sample, to recognise it by; a group of images counts as one sample.
        state: The network's state, batch first; before the first step, the `IMAGES`.
        logits: Of the exits so far, each (B, classes), where B is the number of images.
        group_size: Images per sample.
    """

    tickets: list[Hashable]
    state: dict[str, Tensor]
    logits: list[Tensor] = field(default_factory=list)
    group_size: int = 1

    def __len__(self) -> int:
        return len(self.tickets)

    def keep(self, samples: Sequence[int]) -> None:
        """Drop all but these samples, given by rising position; nothing is shared with before.

        Raises:
            UserError: The network's state breaks the contract: an entry is not batch first.
        """
        images = len(self) * self.group_size
        for name, value in self.state.items():
            if value.ndim == 0 or len(value) != images:
                raise UserError(
                    f'the network returned a state whose entry {name!r} has shape '
                    f'{tuple(value.shape)} for {images} images: every entry must be batch first'
                )
        rows = self._rows(samples)
        self.tickets = [self.tickets[i] for i in samples]
        self.state = {name: select_rows(value, rows) for name, value in self.state.items()}
        self.logits = [select_rows(value, rows) for value in self.logits]

    def split(self, count: int) -> tuple['Survivors', 'Survivors']:
        """The first ``count`` samples and the rest, as views."""
        rows = count * self.group_size
        return (
            replace(
                self,
                tickets=self.tickets[:count],
                state={name: value[:rows] for name, value in self.state.items()},
                logits=[value[:rows] for value in self.logits],
            ),
            replace(
                self,
                tickets=self.tickets[count:],
                state={name: value[rows:] for name, value in self.state.items()},
                logits=[value[rows:] for value in self.logits],
            ),
        )

    def _rows(self, samples: Sequence[int]) -> Tensor:
        """(samples * group_size,) indices of their images."""
        device = self.logits[-1].device
        rows = torch.tensor(samples, device=device)
        if self.group_size == 1:
            return rows
        within = torch.arange(self.group_size, device=device)
        return (rows[:, None] * self.group_size + within).flatten()


def merge(parts: Sequence[Survivors]) -> Survivors:
    """All samples of some parts, one part behind the other; a single part is not copied.

    Raises:
        UserError: Their states do not fit together; the message names both shapes.
    """
    first = parts[0]
    if len(parts) == 1:
        return first
    for part in parts[1:]:
        if part.state.keys() != first.state.keys():
            raise UserError(
                f'states with the entries {", ".join(first.state)} and {", ".join(part.state)} '
                'cannot be merged: run such images in streams of their own'
            )
        for name, value in first.state.items():
            check_alike(f"the network's state {name!r}", value, part.state[name])
    return Survivors(
        tickets=[ticket for part in parts for ticket in part.tickets],
        state={name: _join([part.state[name] for part in parts]) for name in first.state},
        logits=[_join(values) for values in zip(*(part.logits for part in parts), strict=True)],
        group_size=first.group_size,
    )


def check_alike(what: str, tensor: Tensor, other: Tensor) -> None:
    """Refuse two batches that are not one when put together.

    Raises:
        UserError: They differ in shape beyond the batch, in dtype or in device.
    """
    if _kind(tensor) != _kind(other):
        raise UserError(
            f'{what}: a batch of {_kind(tensor)} and one of {_kind(other)} cannot be merged: '
            'give images of one size, type and device, or run them in streams of their own'
        )


def select_rows(values: Tensor, rows: Tensor) -> Tensor:
    """``values[rows]`` in the memory format of ``values``.

    What is one row repeated over the batch stays so.
    """
    if values.stride(0) == 0:
        return values[: len(rows)]
    order = _dense_order(values)
    # A dense tensor with the batch outermost is copied row by row; index_select on any other
    # would walk element by element and forget channels-last.
    return values.permute(order).index_select(0, rows).permute(_inverse(order))


def _join(values: Sequence[Tensor]) -> Tensor:
    """Concatenate batches in the memory format of the first."""
    order = _dense_order(values[0])
    return torch.cat([value.permute(order) for value in values]).permute(_inverse(order))


def _dense_order(values: Tensor) -> list[int]:
    """The batch, then the other dimensions from the longest stride to the shortest."""
    return [0, *sorted(range(1, values.ndim), key=values.stride, reverse=True)]


def _inverse(order: Sequence[int]) -> list[int]:
    return sorted(range(len(order)), key=order.__getitem__)


def _kind(tensor: Tensor) -> str:
    shape = ' x '.join(map(str, tensor.shape[1:])) or 'single numbers'
    return f'{shape} ({str(tensor.dtype).removeprefix("torch.")}, {tensor.device})'
