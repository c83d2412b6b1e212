"""Exit policies: which confidence decides, and how sure each exit must be; one small JSON file."""

import math
from collections.abc import Sequence
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from ..errors import UserError
from ..typed_json import read_json, write_json
from .measures import confidence_measure
from .thresholds import ALWAYS, NEVER

POLICY_VERSION = 1


@dataclass(frozen=True)
class CalibrationSplit:
    """The samples that thresholds were chosen on; ``sha256`` is over their pixels, in order."""

    split: str
    samples: int
    sha256: str


@dataclass(frozen=True)
class Expectation:
    """What a policy gives on the calibration split.

    Attributes:
        gmacs_mean: Mean cost of a sample.
        top1_percent: Accuracy.
        exit_shares: By exit, the fraction of the samples that leave there.
        exit_gmacs: By exit, what a sample has cost when it leaves there.
        exit_top1_percent: By exit, its accuracy when every sample leaves there.
        input_shape: Of the samples, (channels, height, width) or, of videos, (frames, channels,
            height, width); None if it is not known.
    """

    gmacs_mean: float
    top1_percent: float
    exit_shares: dict[str, float]
    exit_gmacs: dict[str, float]
    exit_top1_percent: dict[str, float]
    input_shape: list[int] | None = None


@dataclass(frozen=True)
class ExitPolicy:
    """A sample leaves at the first exit whose confidence reaches the threshold.

    Attributes:
        exit_names: The exits in order of execution.
        measure: Name of the confidence measure; see `dynp_plugins.early_exit.MEASURES`.
        thresholds: One per exit, rounded to float32 as confidences are. `NEVER` where nobody
            leaves, `ALWAYS` where everybody does, which becomes the least value that the measure
            can have. The last one is `ALWAYS`.
        classes: Number of classes; None if the policy suits any number.
        model: Name of the model that it was made for; None for one made by hand, as below.
        weights_sha256: Of that model's weights.
        method: How the thresholds were chosen, ``by hand`` or a threshold method's name.
        settings: That method's settings.
        calibration: Where they were chosen.
        expected: What they give there.

    Raises:
        UserError: Another number of thresholds than exits, one that is NaN or outside what the
            measure can be, or an unknown measure.

    Example:
        >>> policy = ExitPolicy(('early', 'late'), 'max_softmax', (0.9, ALWAYS))
        >>> policy.save('policy.json')
    """

    exit_names: tuple[str, ...]
    measure: str
    thresholds: tuple[float, ...]
    classes: int | None = None
    model: str | None = None
    weights_sha256: str | None = None
    method: str = 'by hand'
    settings: dict[str, Any] = field(default_factory=dict)
    calibration: CalibrationSplit | None = None
    expected: Expectation | None = None

    def __post_init__(self) -> None:
        names = tuple(self.exit_names)
        if not names or len(set(names)) != len(names):
            raise UserError(f'a policy needs exits with different names, not {names}')
        if len(self.thresholds) != len(names):
            raise UserError(
                f'{len(self.thresholds)} thresholds for the {len(names)} exits {", ".join(names)}: '
                'give one for each, ALWAYS for the last'
            )
        if self.thresholds[-1] != ALWAYS:
            raise UserError(
                f'the last exit {names[-1]} answers all that is left; its threshold is ALWAYS, '
                f'not {self.thresholds[-1]:g}'
            )
        low, high = confidence_measure(self.measure).bounds(len(names), self.classes or 2)
        for name, value in zip(names, self.thresholds, strict=True):
            if math.isnan(value) or not (low <= value <= high or math.isinf(value)):
                raise UserError(
                    f'the threshold {value:g} of exit {name} is out of range: {self.measure} lies '
                    f'between {low:g} and {high:g} (NEVER, null in a file, where nobody leaves)'
                )
        object.__setattr__(self, 'exit_names', names)
        if self.expected is not None:
            for name in ('exit_shares', 'exit_gmacs', 'exit_top1_percent'):
                given = getattr(self.expected, name)
                if set(given) != set(names):
                    raise UserError(
                        f'expected.{name} is given for {", ".join(given) or "no exit"}, but the '
                        f'exits are {", ".join(names)}: choose the thresholds again'
                    )
        # Everybody reaches the least value: one spelling of that for memory and file.
        reachable = [max(float(np.float32(value)), low) for value in self.thresholds[:-1]]
        object.__setattr__(self, 'thresholds', (*reachable, ALWAYS))

    @property
    def thresholds_by_exit(self) -> dict[str, float | None]:
        """By exit but the last, the least confidence that leaves; None where nobody does."""
        return {
            # The shortest decimal that names this float32.
            name: None if value == NEVER else float(str(np.float32(value)))
            for name, value in zip(self.exit_names[:-1], self.thresholds[:-1], strict=True)
        }

    def exits_of(self, probability: Sequence[Tensor]) -> Tensor:
        """Where samples would leave, from the class probabilities of all exits.

        Args:
            probability: (B, classes) of every exit, as `probabilities` makes them of logits.

        Returns:
            (B,) index of the exit.
        """
        measure = confidence_measure(self.measure)
        confidence = torch.stack(
            [
                measure.confidence(list(probability[: k + 1])).float()
                for k in range(len(probability))
            ],
            1,
        )
        leaves = confidence >= torch.tensor(self.thresholds, device=confidence.device)
        leaves[:, -1] = True
        return leaves.int().argmax(1)

    def check_network(
        self,
        exit_names: Sequence[str],
        classes: int | None = None,
        weights_sha256: str | None = None,
    ) -> None:
        """Refuse a policy that was made for another network.

        Args:
            exit_names: The network's exits.
            classes: Its number of classes; None is not compared.
            weights_sha256: Hash of its weights; None is not compared.

        Raises:
            UserError: Exits, classes or weights differ; the message names both.
        """
        made_for = f'the policy was made for {self.model or "a network"}'
        if tuple(exit_names) != self.exit_names:
            raise UserError(
                f'{made_for} with the exits {", ".join(self.exit_names)}, but this network has '
                f'{", ".join(exit_names)}: use a policy made for it'
            )
        if classes is not None and self.classes is not None and classes != self.classes:
            raise UserError(
                f'{made_for} with {self.classes} classes, but this network has {classes}: use a '
                'policy made for it'
            )
        hashes = {weights_sha256, self.weights_sha256} - {None}
        if len(hashes) == 2:
            raise UserError(
                f'{made_for} with other weights ({self.weights_sha256[:12]}..., not '
                f'{weights_sha256[:12]}...): thresholds hold for the weights they were chosen '
                'with; choose them again with tools/choose_policy.py'
            )

    def check_calibration(self, sha256: str, source: str) -> None:
        """Refuse a policy whose thresholds were chosen on other samples than are declared.

        Args:
            sha256: Hash of the declared calibration split.
            source: What declares it, for the message.

        Raises:
            UserError: The hashes differ.
        """
        if self.calibration is not None and self.calibration.sha256 != sha256:
            raise UserError(
                f'the thresholds were chosen on other samples '
                f'({self.calibration.sha256[:12]}...) than the calibration split of {source} '
                f'({sha256[:12]}...): choose them again with tools/choose_policy.py'
            )

    def check_input_shape(self, shape: Sequence[int]) -> None:
        """Refuse samples of another size than the costs and thresholds hold for, if that is known.

        Args:
            shape: As ``expected.input_shape``, or only its last numbers, such as (height, width).

        Raises:
            UserError: The sizes differ; the message names both.
        """
        expected = self.expected and self.expected.input_shape
        if expected and list(shape) != expected[-len(shape) :]:
            raise UserError(
                f'samples are {list(shape)}, but the costs and thresholds of the policy hold for '
                f'{expected} (channels, height, width): choose a policy for this size'
            )

    def metrics(self, exits: np.ndarray, right: np.ndarray) -> dict[str, float]:
        """What became of N samples under this policy.

        Args:
            exits: (N,) index of the exit where each left.
            right: (N,) bool, whether its answer there was right.

        Returns:
            ``top1`` in percent, ``gmacs_mean`` if the policy knows the costs, and the fraction of
            the samples that left at each exit as ``share_EXIT``.
        """
        metrics = {'top1': 100 * float(np.mean(right))}
        if self.expected is not None:
            costs = np.array([self.expected.exit_gmacs[name] for name in self.exit_names])
            metrics['gmacs_mean'] = float(costs[exits].mean())
        for k, name in enumerate(self.exit_names):
            metrics[f'share_{name}'] = float((exits == k).mean())
        return metrics

    def save(self, path: str | Path) -> None:
        """Write the policy as JSON; the file appears whole or not at all.

        Raises:
            UserError: The file cannot be written.
        """
        write_json(self.record(), path)

    @classmethod
    def load(cls, path: str | Path) -> 'ExitPolicy':
        """Read what `save` wrote, or a file written by hand.

        Raises:
            UserError: Not a policy, one of another version, or one that makes no sense; the
                message names the file and the entry.
        """
        remedy = 'choose the thresholds again with tools/choose_policy.py'
        content = read_json(PolicyRecord, path, 'policy', POLICY_VERSION, remedy)
        try:
            return cls.of_record(content)
        except UserError as error:
            raise UserError(f'{path}: {error}') from error

    def record(self) -> 'PolicyRecord':
        """The policy as files hold it."""
        return PolicyRecord(
            schema_version=POLICY_VERSION,
            exit_names=list(self.exit_names),
            thresholds=self.thresholds_by_exit,
            **{name: getattr(self, name) for name in _AS_IN_THE_FILE},
        )

    @classmethod
    def of_record(cls, record: 'PolicyRecord') -> 'ExitPolicy':
        """The policy that a file holds.

        Raises:
            UserError: It makes no sense; the message names the entry.
        """
        if list(record.thresholds) != record.exit_names[:-1]:
            raise UserError(
                f'thresholds are given for {", ".join(record.thresholds) or "no exit"}, '
                f'but they belong to {", ".join(record.exit_names[:-1]) or "none"} '
                '(every exit but the last, in order)'
            )
        values = [NEVER if value is None else value for value in record.thresholds.values()]
        return cls(
            exit_names=tuple(record.exit_names),
            thresholds=(*values, ALWAYS),
            **{name: getattr(record, name) for name in _AS_IN_THE_FILE},
        )


@dataclass(frozen=True)
class PolicyRecord:
    """A policy on disk: thresholds by exit, null where nobody leaves."""

    schema_version: int
    exit_names: list[str]
    measure: str
    thresholds: dict[str, float | None]
    classes: int | None = None
    model: str | None = None
    weights_sha256: str | None = None
    method: str = 'by hand'
    settings: dict[str, Any] = field(default_factory=dict)
    calibration: CalibrationSplit | None = None
    expected: Expectation | None = None


_AS_IN_THE_FILE = {entry.name for entry in fields(PolicyRecord)} - {
    'schema_version',
    'exit_names',
    'thresholds',
}
"""What a policy and its file hold alike."""
