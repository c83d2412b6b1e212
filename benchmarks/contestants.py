"""One model in its turn: batches of test samples through all exits, then with early exit."""

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from dynp_plugins.early_exit import fold_frames, group_consensus
from dynp_plugins.early_exit.engine import EarlyExitEngine
from dynp_plugins.early_exit.exit_result import ExitResult
from dynp_plugins.errors import UserError

from .timed_models import TimedModel
from .timing import Clock, rotated

ROUND_IMAGES = 16
"""At least so many images, or videos, are in a round, so that its mix of easy and hard ones is no
accident."""


@dataclass(frozen=True)
class Turn:
    """What one model did in one round of B batches of S images, with K exits and P policies.

    Attributes:
        exits_ms: (B, K) from the start of a batch until each exit had answered for all of it.
        dynamic_ms: (P, B) with early exit.
        index: (B, S) which test samples they were.
        exit: (P, B, S) index of the exit where each left.
        prediction: (P, B, S) predicted classes.
    """

    exits_ms: np.ndarray
    dynamic_ms: np.ndarray
    index: np.ndarray
    exit: np.ndarray
    prediction: np.ndarray


class Contestant:
    """One model at one batch size; a call is one round.

    Args:
        model: The model.
        batch_size: Samples in a batch. The last, smaller batch of its images is left out, and
            batches begin again from the first one when all have been run.
        device: Where the network is.
        clock: For that device.
        warm_rounds: Rounds that the warm-up runs. Later rounds take their batches again and again,
            so that what the machine prepares for a batch size is there; None: every round has
            batches of its own, as long as there are samples.

    Raises:
        UserError: There are fewer samples than are in a batch.
    """

    def __init__(
        self,
        model: TimedModel,
        batch_size: int,
        device: torch.device,
        clock: Clock,
        warm_rounds: int | None = None,
    ):
        if batch_size > len(model.images):
            raise UserError(
                f'a batch of {batch_size} needs more test {model.sample}s of {model.name} than '
                f'the {len(model.images)} that were read: choose smaller --batch-sizes or more '
                '--images'
            )
        self.model = model
        self.batch_size = batch_size
        self.batches = -(-ROUND_IMAGES // batch_size)
        self.engines = [
            EarlyExitEngine(model.network, timed.policy, group_size=model.frames)
            for timed in model.policies
        ]
        self._device = device
        self._clock = clock
        self._warm_rounds = warm_rounds

    def __call__(self, number: int) -> Turn:
        """Run round ``number``; what is run first on a batch changes from batch to batch."""
        exits_ms, dynamic_ms, indices, exits, predictions = [], [], [], [], []
        taken = number % self._warm_rounds if self._warm_rounds else number
        for i in range(taken * self.batches, (taken + 1) * self.batches):
            index = self._index(i)
            images = self.images(index)
            indices.append(index)
            runs = {}
            for engine in rotated([None, *self.engines], i - taken + number):
                if engine is None:
                    exits_ms.append(time_exits(self.model, images, self._clock))
                else:
                    runs[engine] = self._time_engine(engine, images)
            runs = [runs[engine] for engine in self.engines]
            dynamic_ms.append([time for time, _, _ in runs])
            exits.append([exit for _, exit, _ in runs])
            predictions.append([prediction for _, _, prediction in runs])
        return Turn(
            exits_ms=np.array(exits_ms),
            dynamic_ms=np.array(dynamic_ms).T,
            index=np.array(indices),
            exit=np.array(exits).swapaxes(0, 1),
            prediction=np.array(predictions).swapaxes(0, 1),
        )

    def first_batches(self) -> list[Tensor]:
        """The samples of the first round, batch by batch, on the device."""
        return [self.images(self._index(i)) for i in range(self.batches)]

    def images(self, index: np.ndarray) -> Tensor:
        """A batch on the device."""
        return self.model.images[int(index[0]) : int(index[-1]) + 1].to(self._device)

    def _index(self, i: int) -> np.ndarray:
        begin = i % (len(self.model.images) // self.batch_size) * self.batch_size
        return np.arange(begin, begin + self.batch_size)

    def _time_engine(
        self, engine: EarlyExitEngine, images: Tensor
    ) -> tuple[float, np.ndarray, np.ndarray]:
        """Milliseconds, exits and predictions; these are fetched when the clock has stopped."""
        self._clock.start()
        result = run_engine(engine, images)
        self._clock.lap()
        (time,) = self._clock.read()
        return time, result.exit.cpu().numpy(), result.prediction.cpu().numpy()


@torch.inference_mode()
def time_exits(model: TimedModel, images: Tensor, clock: Clock) -> list[float]:
    """Run the whole network once; milliseconds until each exit has answered.

    The answer for a video is the mean over its frames, as it is with early exit.
    """
    network = model.network
    clock.start()
    frames, group_size = fold_frames(images)
    state, logits = network.start(frames), []
    for k in range(len(network.exit_names)):
        state, exit_logits = network.step(k, state, logits)
        logits.append(exit_logits)
        group_consensus(exit_logits, group_size)
        clock.lap()
    return clock.read()


@torch.inference_mode()
def run_to_exit(model: TimedModel, images: Tensor, last: int) -> None:
    """Run everything up to one exit and nothing behind it."""
    frames, group_size = fold_frames(images)
    state, logits = model.network.start(frames), []
    for k in range(last + 1):
        state, exit_logits = model.network.step(k, state, logits)
        logits.append(exit_logits)
    group_consensus(logits[last], group_size)


@torch.inference_mode()
def run_engine(engine: EarlyExitEngine, images: Tensor) -> ExitResult:
    """Run with early exits; the frames of a video leave together."""
    frames, _ = fold_frames(images)
    return engine(frames)
