"""The engine: runs a network exit by exit, and samples that are sure enough leave."""

import itertools
from collections.abc import Callable, Iterator, Sequence
from typing import Any, Protocol

import torch
from torch import Tensor, nn

from ..errors import UserError
from .exit_result import Departure, ExitResult, exit_result
from .groups import check_group_size, group_consensus
from .measures import confidence_measure
from .policy import ExitPolicy
from .survivors import IMAGES, Survivors, select_rows
from .thresholds import NEVER


class SteppedNetwork(Protocol):
    """What the engine asks of a network; every `MultiExitNetwork` offers it.

    See `dynp_plugins.networks.contract`: the state's entries are batch first, and a step leaves
    what it is given untouched. Where images are seen together, such as the frames of a clip, it has
    ``num_segments``, too.
    """

    @property
    def exit_names(self) -> Sequence[str]:
        """The exits in order of execution."""
        ...

    def start(self, images: Tensor) -> dict[str, Tensor]:
        """Turn images into the state before the first step."""
        ...

    def step(
        self, k: int, state: dict[str, Tensor], previous_logits: Sequence[Tensor]
    ) -> tuple[dict[str, Tensor], Tensor]:
        """Advance to exit ``k``: the new state and the logits (B, classes) of exit ``k``."""
        ...


class EarlyExitEngine:
    """Runs a network step by step; after each, the samples that are sure enough leave.

    A sample leaves at the first exit where its confidence is at least the policy's threshold, and
    at the last one in any case; one whose confidence is NaN leaves nowhere else. The others are
    put together to a smaller batch and go on. No step runs twice, or for nobody.

    Groups: with a ``group_size``, that many successive images, such as the frames of one video,
    are one sample. They leave together, by the confidence of the mean of their logits; heads that
    read the logits of earlier exits still see each image's own.

    Stopping: a run can be cut short at an exit. Samples that are still in are then answered by the
    best of the exits that they have passed: the one with the highest accuracy on the calibration
    split, of equals the latest, where the policy knows these accuracies
    (``policy.expected.exit_top1_percent``), else the latest. A run that gets to the last exit is
    not cut short: the last exit answers, as the policy says.

    It runs where its images are and in whatever types they and the network have, also under
    ``torch.autocast``; no gradients are kept.

    Args:
        network: A `MultiExitNetwork` in eval mode, or whatever else is a `SteppedNetwork`.
        policy: When to leave.
        group_size: Images per sample, unless a call says otherwise; by default those that the
            network sees together, one or the frames of a clip.

    Raises:
        UserError: The policy was made for other exits, or the group size is no whole number of at
            least 1.

    Example:
        >>> policy = ExitPolicy.load('policy.json')
        >>> engine = EarlyExitEngine(network.eval(), policy)
        >>> result = engine(images)
        >>> [network.exit_names[k] for k in result.exit]
    """

    def __init__(self, network: SteppedNetwork, policy: ExitPolicy, group_size: int | None = None):
        policy.check_network(network.exit_names)
        self._num_segments = getattr(network, 'num_segments', 1)
        group_size = self._num_segments if group_size is None else group_size
        check_group_size(group_size, self._num_segments)
        self.network = network
        self.policy = policy
        self.group_size = group_size
        self.measure = confidence_measure(policy.measure)
        self._accuracy = policy.expected.exit_top1_percent if policy.expected else None

    def __call__(
        self,
        images: Tensor,
        *,
        group_size: int | None = None,
        stop_at: str | None = None,
        should_stop: Callable[[], bool] | None = None,
    ) -> ExitResult:
        """Classify images (B, 3, H, W).

        Args:
            images: At least one; with groups, the images of a group one behind the other.
            group_size: Images per sample; None means the engine's own.
            stop_at: Name of the exit where the run is cut short.
            should_stop: Asked after each exit but the last whether to cut the run short there, for
                example because a deadline has passed; the device has then finished the exit. The
                first exit always runs.

        Returns:
            One answer per sample.

        Raises:
            UserError: No images, no whole number of groups, an unknown exit, a network in training
                mode, or one with another number of classes than the policy was made for.
        """
        last = self._exit_index(stop_at)
        samples = self.admit(images, self.group_size if group_size is None else group_size)
        gone = []
        for k in range(last + 1):
            gone += self.advance(k, samples)
            if not samples:
                break
            if k == last or (should_stop is not None and _asked(should_stop, samples)):
                gone.append(self._stopped(k, samples))
                break
        return exit_result(gone)

    def answers(self, images: Tensor, *, group_size: int | None = None) -> Iterator[ExitResult]:
        """After every exit, the answer so far for every sample: the best at any time.

        Samples that left keep their answer. Work is done only when the next answer is asked for,
        and none once all have left: the last result equals that of a plain call.

        Args:
            images: As in a plain call.
            group_size: As in a plain call.

        Raises:
            UserError: As in a plain call.
        """
        samples = self.admit(images, self.group_size if group_size is None else group_size)
        return self._answers(samples)

    def _answers(self, samples: Survivors) -> Iterator[ExitResult]:
        gone: list[Departure] = []
        for k in itertools.count():
            gone += self.advance(k, samples)
            if not samples:
                yield exit_result(gone)
                return
            yield exit_result([*gone, self._stopped(k, samples)])

    def admit(self, images: Tensor, group_size: int) -> Survivors:
        """The samples of a batch of images before the first step, numbered by their tickets.

        Raises:
            UserError: No images, no whole number of groups, or a network in training mode.
        """
        self._check_mode()
        if not isinstance(images, Tensor) or images.ndim == 0:
            raise UserError(f'images must be a tensor (B, 3, H, W), not {_describe(images)}')
        if len(images) == 0:
            raise UserError(
                f'images of shape {tuple(images.shape)} hold no image: give at least one'
            )
        check_group_size(group_size, self._num_segments)
        if len(images) % group_size:
            raise UserError(
                f'{len(images)} images are no whole number of groups of group_size={group_size}: '
                'give all images of every group'
            )
        return Survivors(
            tickets=list(range(len(images) // group_size)),
            state={IMAGES: images.detach()},  # no gradients, also where batches are merged
            group_size=group_size,
        )

    @torch.no_grad()
    def advance(self, k: int, samples: Survivors) -> list[Departure]:
        """Run step ``k`` for some samples and take those who leave there out of them.

        Args:
            k: Index of the exit.
            samples: Behind exit ``k - 1``; those who stay are in it afterwards.

        Returns:
            Those who leave, nobody or one entry.

        Raises:
            UserError: The network is in training mode, has another number of classes than the
                policy was made for, or returns a state that is not batch first.
        """
        self._check_mode()
        if k == 0:
            samples.state = self.network.start(samples.state[IMAGES])
        samples.state, logits = self.network.step(k, samples.state, samples.logits)
        samples.logits = [*samples.logits, logits]
        if k == 0:
            self.policy.check_network(self.network.exit_names, logits.shape[1])
        if k == len(self.policy.exit_names) - 1:
            return [self._leave(k, samples, self._confidence(k, samples))]
        threshold = self.policy.thresholds[k]
        if threshold == NEVER:
            return []
        confidence = self._confidence(k, samples)
        leaves = (confidence >= threshold).tolist()  # the one time that the device is waited for
        if all(leaves):
            return [self._leave(k, samples, confidence)]
        if not any(leaves):
            return []
        leaving = [i for i, leaving in enumerate(leaves) if leaving]
        rows = torch.tensor(leaving, device=confidence.device)
        departure = Departure(
            tickets=[samples.tickets[i] for i in leaving],
            exit=k,
            reached=k,
            logits=select_rows(group_consensus(logits, samples.group_size), rows),
            confidence=confidence[rows],
        )
        samples.keep([i for i, leaving in enumerate(leaves) if not leaving])
        return [departure]

    @torch.no_grad()
    def _stopped(self, k: int, samples: Survivors) -> Departure:
        """The answers where a run is cut short behind exit ``k``; ``samples`` stay as they are."""
        names = self.policy.exit_names
        best = k
        if self._accuracy is not None:
            best = max(range(k + 1), key=lambda exit: (self._accuracy[names[exit]], exit))
        return self._departure(best, k, samples, self._confidence(best, samples))

    def _leave(self, k: int, samples: Survivors, confidence: Tensor) -> Departure:
        """All samples leave."""
        departure = self._departure(k, k, samples, confidence)
        samples.tickets, samples.state, samples.logits = [], {}, []
        return departure

    def _departure(
        self, exit: int, reached: int, samples: Survivors, confidence: Tensor
    ) -> Departure:
        logits = group_consensus(samples.logits[exit], samples.group_size)
        return Departure(samples.tickets, exit, reached, logits, confidence)

    def _confidence(self, k: int, samples: Survivors) -> Tensor:
        """(samples,) at exit ``k``, float32."""
        seen = self.measure.read(samples.logits[: k + 1])
        return self.measure([group_consensus(logits, samples.group_size) for logits in seen])

    def _check_mode(self) -> None:
        if isinstance(self.network, nn.Module) and self.network.training:
            raise UserError(
                'the network is in training mode, where answers depend on the rest of the batch: '
                'call network.eval() first'
            )

    def _exit_index(self, name: str | None) -> int:
        names = self.policy.exit_names
        if name is None:
            return len(names) - 1
        if name not in names:
            raise UserError(f'stop_at={name!r} is no exit: choose of {", ".join(names)}')
        return names.index(name)


def _asked(should_stop: Callable[[], bool], samples: Survivors) -> bool:
    """Ask, once the device has finished what it was given; a deadline means real time."""
    samples.logits[-1].flatten()[:1].tolist()
    return should_stop()


def _describe(images: Any) -> str:
    return f'a single number {images}' if isinstance(images, Tensor) else type(images).__name__
