"""`DynamicInferencer`: a trained network that answers samples and exits where it is sure."""

import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from ..early_exit import CompiledSteps, ExitPolicy, fold_frames, probabilities
from ..early_exit.engine import EarlyExitEngine
from ..errors import UserError
from ..networks import MultiExitNetwork
from .image_reading import why
from .model_loading import load_model
from .named_model import Preprocess
from .policy_choice import PolicyChoice
from .sample_batches import answer_batches, check_batch_size, source
from .sample_kinds import Sample, SampleKind

ExitCosts = Sequence[float] | Callable[[MultiExitNetwork, tuple[int, ...]], Sequence[float]]
"""GMACs up to each exit, or a function that gives them for a network and an input shape."""

_SAMPLE_ALIKE = 'let the test pipeline sample frames as it did when they were measured'


class DynamicInferencer:
    """A trained network with an exit policy; like the inferencers of mmpretrain and mmaction2.

    Its samples are pictures or, where a config's model is a recogniser of videos, videos. The
    frames of a video that the test pipeline takes are answered together and leave together.

    With an exit table, or the folder of a report, as ``policy``, thresholds are chosen from it for
    any budget, at once and without loading anything again. Without a policy and a budget every
    sample is answered by the last exit.

    Args:
        config_or_name: A config file, whose test pipeline then reads the samples; or a name as
            `create_model` takes it, with the usual ImageNet preprocessing at the network's own
            image size (short side to 256 / 224 of it, bicubic; centre crop); or a folder that
            ``tools/export.py`` wrote, which needs no OpenMMLab.
        checkpoint: The weights: a file, or a run's work folder. None for an exported folder, which
            holds them.
        policy: An `ExitPolicy` or the file of one; an exit table of the calibration split, or the
            folder that ``tools/budget_curve.py`` wrote. By default that of an exported folder, with
            the budget it was exported for.
        budget_gmacs: Mean cost of a sample to choose thresholds for, from an exit table; None for
            no limit. Can be changed at any time through the attribute of that name.
        device: By default a GPU if there is one.
        classes: Names of the classes, by default those that the checkpoint or the data set says.
        exit_gmacs: What a sample has cost at each exit, for policies that do not say it; or a
            function that is asked for it with the network and the shape of a sample, (channels,
            height, width) or (frames, channels, height, width).
        preprocess: With a name or an exported folder, in place of its preprocessing: makes the
            network's input (channels, height, width) of an RGB Pillow image; or, of an export for
            videos, (frames, channels, height, width) of a path or array.
        cfg_options: With a config, dotted keys to values that override entries of it.
        **settings: With a name, settings as `create_model` takes them. ``num_classes`` need not
            be given where the weights tell it.

    Raises:
        UserError: A config, name, checkpoint, policy or budget that cannot work, or do not fit
            each other.

    Example:
        >>> inferencer = DynamicInferencer(
        ...     'config.py', 'work_dirs/run', policy='work_dirs/run/report', budget_gmacs=0.3)
        >>> inferencer('bird.jpg')[0]['exit_name']
        'early'
        >>> inferencer.budget_gmacs = 0.5
        >>> results = inferencer('folder', batch_size=32)
    """

    def __init__(
        self,
        config_or_name: str | Path,
        checkpoint: str | Path | None = None,
        policy: ExitPolicy | str | Path | None = None,
        budget_gmacs: float | None = None,
        device: str | torch.device | None = None,
        classes: Sequence[str] | None = None,
        exit_gmacs: ExitCosts | None = None,
        preprocess: Preprocess | None = None,
        cfg_options: Mapping[str, Any] | None = None,
        **settings: Any,
    ):
        self._model = load_model(
            config_or_name,
            checkpoint,
            device,
            classes,
            preprocess,
            cfg_options,
            settings,
        )
        chosen = {}
        if policy is None:
            policy = self._model.policy
            if self._model.chosen is not None:
                chosen[self._model.budget_gmacs] = self._model.chosen
            budget_gmacs = self._model.budget_gmacs if budget_gmacs is None else budget_gmacs
        self._choice = PolicyChoice(self._model, policy, chosen)
        if exit_gmacs is None:
            exit_gmacs = self._model.exit_gmacs
        self._given_costs = exit_gmacs
        exits = self.network.exit_names
        if exit_gmacs is not None and not callable(exit_gmacs) and len(exit_gmacs) != len(exits):
            raise UserError(
                f'{len(exit_gmacs)} exit_gmacs for the {len(exits)} exits {", ".join(exits)}: give '
                'one for each'
            )
        self._costs: dict[tuple[int, ...], Sequence[float] | None] = {}
        self.budget_gmacs = budget_gmacs

    @property
    def kind(self) -> SampleKind:
        """What is answered: pictures, or videos."""
        return self._model.kind

    @property
    def network(self) -> MultiExitNetwork | CompiledSteps:
        """The network, in eval mode, or its exported steps."""
        return self._model.network

    @property
    def classes(self) -> tuple[str, ...] | None:
        """Names of the classes; None if nobody says them."""
        return self._model.classes

    @property
    def policy(self) -> ExitPolicy:
        """The policy in force."""
        return self._policy

    @property
    def budget_gmacs(self) -> float | None:
        """Mean cost of a sample that thresholds are chosen for; None for no limit.

        Raises:
            UserError: On setting it, if there is no exit table to choose thresholds from, or the
                budget lies outside what the exits cost.
        """
        return self._budget_gmacs

    @budget_gmacs.setter
    def budget_gmacs(self, budget_gmacs: float | None) -> None:
        self._policy = self._choice.policy(budget_gmacs)
        self._budget_gmacs = budget_gmacs

    def __call__(
        self, inputs: Any, batch_size: int = 1, budget_gmacs: float | None = None
    ) -> list[dict[str, Any]]:
        """Answer pictures or videos.

        Args:
            inputs: A path, a folder (with its sub-folders), an array of uint8 in BGR order, (H, W,
                3) of a picture or (frames, H, W, 3) of a video, a Pillow image, or a list or tuple
                of these. Where the config's videos are folders of frames, a path is such a folder.
            batch_size: Samples that the network is given at once, if they come out of the
                preprocessing in one shape.
            budget_gmacs: Another budget than `budget_gmacs`, for this call only.

        Returns:
            A dict for each sample, in order:

            - ``pred_scores`` (classes,) array: class probabilities at the exit it left at.
            - ``pred_label``, ``pred_score``: the class and its probability.
            - ``pred_class``: the class's name; None if it is not known.
            - ``exit_name``: the exit.
            - ``confidence``: by the policy's measure, at that exit.
            - ``gmacs``: what it has cost up to that exit; None if nothing says what exits cost.
            - ``source``: its path; None for arrays and Pillow images.
            - ``error``: None, or why this sample got no answer; all but ``source`` is then None.

        Raises:
            UserError: A path given alone that does not exist, a folder without samples, or
                something that is none; a batch size or budget that cannot be.
        """
        return list(self.iterate(inputs, batch_size, budget_gmacs))

    def iterate(
        self, inputs: Any, batch_size: int = 1, budget_gmacs: float | None = None
    ) -> Iterator[dict[str, Any]]:
        """As a call, but answers come one by one, and only one batch of samples is in memory."""
        check_batch_size(batch_size)
        policy = self._policy if budget_gmacs is None else self._choice.policy(budget_gmacs)
        samples = self.kind.expand(inputs)
        engine = EarlyExitEngine(self.network, policy, group_size=self.network.num_segments)
        return answer_batches(
            samples, batch_size, self._prepare, partial(self._run, engine), _unanswered
        )

    def _prepare(self, sample: Sample) -> Tensor:
        """What the network is to be given of a sample."""
        if isinstance(sample, str) and os.path.isfile(sample):
            self.kind.check_path(sample)
        prepared = self._model.prepare(sample)
        self._check_shape(tuple(prepared.shape))
        return prepared

    @torch.no_grad()
    def _run(
        self, engine: EarlyExitEngine, prepared: list[Tensor], samples: list[Sample]
    ) -> list[dict[str, Any]]:
        """Run the engine on samples of one shape."""
        try:
            images, frames = fold_frames(self._model.to_network(torch.stack(prepared)))
            result = engine(images, group_size=frames)
        except UserError as error:  # the network cannot take this shape
            return [_unanswered(sample, why(error)) for sample in samples]
        costs = self._exit_gmacs(tuple(prepared[0].shape))
        finite = result.logits.isfinite().all(1).tolist()
        columns = zip(
            samples,
            finite,
            result.exit.tolist(),
            result.prediction.tolist(),
            result.confidence.tolist(),
            probabilities(result.logits).cpu().numpy(),
            strict=True,
        )
        return [
            self._answer(sample, k, label, confidence, scores, costs)
            if is_finite
            else _unanswered(sample, 'the network answers NaN or infinity; its weights are broken')
            for sample, is_finite, k, label, confidence, scores in columns
        ]

    def _answer(self, sample, k, label, confidence, scores, costs) -> dict[str, Any]:
        return {
            'pred_scores': scores,
            'pred_label': label,
            'pred_score': float(scores[label]),
            'pred_class': None if self.classes is None else self.classes[label],
            'exit_name': self.network.exit_names[k],
            'confidence': confidence,
            'gmacs': None if costs is None else costs[k],
            'source': source(sample),
            'error': None,
        }

    def _check_shape(self, shape: tuple[int, ...]) -> None:
        """Refuse a sample that the exit table's thresholds and costs do not hold for."""
        expected = self._choice.input_shape
        if expected is not None and shape != expected:
            resized = shape[:-2] == expected[:-2]
            raise UserError(
                f'reaches the network as {_by(shape)}, but the thresholds and costs '
                f'hold for {_by(expected)}: '
                + ('resize it, in the test pipeline or before' if resized else _SAMPLE_ALIKE)
            )

    def _exit_gmacs(self, shape: tuple[int, ...]) -> Sequence[float] | None:
        """What samples of this shape have cost at each exit."""
        if self._choice.exit_gmacs is not None or not callable(self._given_costs):
            return self._choice.exit_gmacs or self._given_costs
        if shape not in self._costs:
            self._costs[shape] = list(self._given_costs(self.network, shape))
        return self._costs[shape]


def _unanswered(sample: Sample, error: str) -> dict[str, Any]:
    """What is said of a sample that got no answer."""
    answer = dict.fromkeys(
        ('pred_scores', 'pred_label', 'pred_score', 'pred_class', 'exit_name', 'confidence'), None
    )
    return answer | {'gmacs': None, 'source': source(sample), 'error': error}


def _by(shape: Sequence[int]) -> str:
    return ' x '.join(map(str, shape))
