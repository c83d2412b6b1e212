"""Early exits over a stream of batches: late steps still run full batches."""

import itertools
from collections import deque
from collections.abc import Hashable, Iterable, Iterator
from dataclasses import dataclass, field, replace

from torch import Tensor

from ..errors import UserError
from .engine import EarlyExitEngine
from .exit_result import Departure, ExitResult, exit_result
from .survivors import Survivors, check_alike, merge

_BATCHES_IN_FLIGHT = 16


class EarlyExitStream:
    """Runs an engine's network over batches of any sizes, with one queue before each step.

    Samples that stay behind an exit wait in the next step's queue, whichever batch they came with,
    and the step runs once a full batch is there. So while there is input, every step runs with
    exactly ``batch_size`` images, unless too many samples are in flight: then the queue with the
    oldest sample is run as it is. At the end of the input everything that waits is run, earlier
    steps first.

    Memory: a queue holds less than ``batch_size`` images between two runs, each with its state. At
    most ``max_in_flight`` images are in flight, which means taken in and not handed out yet; only
    those answered images of the oldest batch that wait for the rest of their batch are not
    counted, so that a batch may be larger than that. It is then taken in piece by piece.

    Args:
        engine: What to run, with the group size it was made with.
        batch_size: Images per step, a multiple of the group size.
        max_in_flight: Bound on the images in flight, at least ``batch_size``; by default 16 times
            that. With a lower bound results come sooner, but more steps run with less than a full
            batch: one that few samples get to fills its queue slowly.

    Raises:
        UserError: Sizes that are no such numbers.

    Example:
        >>> stream = EarlyExitStream(EarlyExitEngine(network.eval(), policy), batch_size=64)
        >>> for result in stream(loader):
        ...     ...
    """

    def __init__(
        self, engine: EarlyExitEngine, batch_size: int = 64, max_in_flight: int | None = None
    ):
        self.engine = engine
        if max_in_flight is None:
            max_in_flight = _BATCHES_IN_FLIGHT * batch_size
        for name, value in (('batch_size', batch_size), ('max_in_flight', max_in_flight)):
            if not isinstance(value, int) or isinstance(value, bool) or value < 1:
                raise UserError(f'{name}={value!r}: give a whole number of images, at least 1')
        if batch_size % engine.group_size:
            raise UserError(
                f'batch_size={batch_size} is no multiple of group_size={engine.group_size}: groups '
                'run and leave together'
            )
        if max_in_flight < batch_size:
            raise UserError(
                f'max_in_flight={max_in_flight} is less than batch_size={batch_size}: no full '
                'batch could ever run; give at least the batch size'
            )
        self.batch_size = batch_size
        self.max_in_flight = max_in_flight

    def __call__(self, batches: Iterable[Tensor]) -> Iterator[ExitResult]:
        """Classify every batch.

        Nothing is taken from ``batches``, and no step run, before the next result is asked for.
        Where ``batches`` raises an error or holds a batch that cannot be run, the results of all
        batches before it are handed out first; then the error is raised.

        Args:
            batches: Each (B, 3, H, W) with any B of at least 1, a multiple of the group size; all
                of the same size, type and device.

        Yields:
            One `ExitResult` per batch, in order.

        Raises:
            UserError: As by the engine, or batches of different sizes, types or devices.
        """
        flow = _Flow(self)
        source = iter(batches)
        error: Exception | None = None
        while error is None:
            try:
                pieces = flow.take_in(next(source))
            except StopIteration:
                break
            except Exception as raised:
                error = raised
                break
            for piece in pieces:
                while not flow.has_room(piece):
                    flow.run_oldest()
                    yield from flow.complete()
                flow.admit(piece)
                yield from flow.complete()
        while flow.run_earliest():
            yield from flow.complete()
        if error is not None:
            raise error


@dataclass
class _Batch:
    """A batch that was taken in: how many of its samples are still unanswered, and the answers."""

    size: int
    unanswered: int
    departures: list[Departure] = field(default_factory=list)


class _Flow:
    """The samples of one stream that are in flight; numbers of samples, not of images.

    A ticket is the number of the batch and the place in it, so that older ones are smaller.
    """

    def __init__(self, stream: EarlyExitStream):
        self._engine = stream.engine
        self._capacity = stream.batch_size // stream.engine.group_size
        self._bound = stream.max_in_flight // stream.engine.group_size
        self._queues = [_Queue() for _ in stream.engine.policy.exit_names]
        self._batches: deque[_Batch] = deque()  # not handed out yet
        self._handed_out = 0  # batches
        self._answered = 0  # samples of the batches that are not handed out
        self._first_images: Tensor | None = None

    def take_in(self, images: Tensor) -> list[Survivors]:
        """Register a batch; returns it in pieces of at most the batch size."""
        rest = self._engine.admit(images, self._engine.group_size)
        if self._first_images is None:
            self._first_images = images[:0].clone()
        check_alike('the images of a stream', self._first_images, images)
        number = self._handed_out + len(self._batches)
        self._batches.append(_Batch(size=len(rest), unanswered=len(rest)))
        rest.tickets = [(number, place) for place in rest.tickets]
        pieces = []
        while len(rest) > self._capacity:
            piece, rest = rest.split(self._capacity)
            pieces.append(piece)
        return [*pieces, rest]

    def has_room(self, piece: Survivors) -> bool:
        """Whether a piece may be admitted."""
        oldest = self._batches[0]
        waiting = sum(queue.size for queue in self._queues)
        held_up = self._answered - (oldest.size - oldest.unanswered)
        return waiting + held_up + len(piece) <= self._bound

    def admit(self, piece: Survivors) -> None:
        """Queue up a piece for the first step, which runs once it has a full batch."""
        self._queues[0].push(piece)
        if self._queues[0].size >= self._capacity:
            self._run(0)

    def run_oldest(self) -> None:
        """Run the step that the oldest sample waits for, though its queue is not full."""
        self._run(min(self._waiting_steps(), key=lambda k: self._queues[k].oldest))

    def run_earliest(self) -> bool:
        """Run the first step that anybody waits for; False if nobody is left.

        Later steps then get all the samples there are before they run.
        """
        steps = self._waiting_steps()
        if steps:
            self._run(steps[0])
        return bool(steps)

    def complete(self) -> Iterator[ExitResult]:
        """Hand out the batches that are answered, as long as the oldest is."""
        while self._batches and not self._batches[0].unanswered:
            batch = self._batches.popleft()
            self._handed_out += 1
            self._answered -= batch.size
            yield exit_result(batch.departures)

    def _waiting_steps(self) -> list[int]:
        return [k for k, queue in enumerate(self._queues) if queue.size]

    def _run(self, k: int) -> None:
        """Run step ``k`` for a batch of those who wait for it, and later steps as they fill up.

        No queue but the next one can have become full: a run takes a full batch or all there is.
        """
        for step in range(k, len(self._queues)):
            samples = merge(self._queues[step].pop(self._capacity))
            for departure in self._engine.advance(step, samples):
                self._record(departure)
            if samples:
                self._queues[step + 1].push(samples)
            if step + 1 == len(self._queues) or self._queues[step + 1].size < self._capacity:
                return

    def _record(self, departure: Departure) -> None:
        """Give the answers to the batches that they belong to."""
        self._answered += len(departure.tickets)
        begin = 0
        for number, tickets in itertools.groupby(departure.tickets, key=lambda ticket: ticket[0]):
            places = [place for _, place in tickets]
            rows = slice(begin, begin + len(places))
            begin += len(places)
            batch = self._batches[number - self._handed_out]
            batch.unanswered -= len(places)
            batch.departures.append(
                replace(
                    departure,
                    tickets=places,
                    logits=departure.logits[rows],
                    confidence=departure.confidence[rows],
                )
            )


class _Queue:
    """Samples that wait for a step, oldest first."""

    def __init__(self) -> None:
        self.size = 0
        self._parts: deque[Survivors] = deque()

    @property
    def oldest(self) -> Hashable:
        """The ticket of the oldest sample."""
        return self._parts[0].tickets[0]

    def push(self, part: Survivors) -> None:
        self._parts.append(part)
        self.size += len(part)

    def pop(self, count: int) -> list[Survivors]:
        """Take out the ``count`` oldest samples, or all there are."""
        taken, missing = [], count
        while self._parts and missing:
            part = self._parts.popleft()
            if len(part) > missing:
                part, rest = part.split(missing)
                self._parts.appendleft(rest)
            taken.append(part)
            missing -= len(part)
        self.size -= count - missing
        return taken
