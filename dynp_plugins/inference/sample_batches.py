"""Samples in batches: what cannot be read is answered so, and equal shapes are run together."""

from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from typing import Any, Protocol, TypeVar

from ..errors import UserError
from .image_reading import why
from .sample_kinds import Sample


class Prepared(Protocol):
    """A sample ready for a network."""

    @property
    def shape(self) -> Sequence[int]:
        """What it is the size of."""


PreparedSample = TypeVar('PreparedSample', bound=Prepared)


def check_batch_size(batch_size: int) -> None:
    """Refuse what is no number of samples.

    Raises:
        UserError: It is none.
    """
    if isinstance(batch_size, bool) or not isinstance(batch_size, int) or batch_size < 1:
        raise UserError(f'batch_size={batch_size!r}: give a whole number of at least 1')


def answer_batches(
    samples: Sequence[Sample],
    batch_size: int,
    prepare: Callable[[Sample], PreparedSample],
    run: Callable[[list[PreparedSample], list[Sample]], list[dict[str, Any]]],
    unanswered: Callable[[Sample, str], dict[str, Any]],
) -> Iterator[dict[str, Any]]:
    """Answers in the order of the samples; only one batch of samples is in memory.

    Args:
        samples: Single ones.
        batch_size: How many are prepared, and then run together as far as they have one shape.
        prepare: Reads a sample.
        run: Answers prepared samples of one shape; it is given the samples, too.
        unanswered: What is said of a sample that cannot be prepared, with the reason.
    """
    for first in range(0, len(samples), batch_size):
        batch = samples[first : first + batch_size]
        answers: list[dict[str, Any]] = [{}] * len(batch)
        of_shape: dict[tuple[int, ...], list[tuple[int, PreparedSample]]] = defaultdict(list)
        for index, sample in enumerate(batch):
            try:
                prepared = prepare(sample)
            except Exception as error:  # decoders and transforms raise whatever they like
                answers[index] = unanswered(sample, why(error))
            else:
                of_shape[tuple(prepared.shape)].append((index, prepared))
        for members in of_shape.values():
            indices = [index for index, _ in members]
            found = run([prepared for _, prepared in members], [batch[index] for index in indices])
            for index, answer in zip(indices, found, strict=True):
                answers[index] = answer
        yield from answers


def source(sample: Sample) -> str | None:
    """Where a sample comes from; None for what was in memory."""
    return sample if isinstance(sample, str) else None
