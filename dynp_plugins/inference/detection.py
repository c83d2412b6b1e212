"""`DetectionInferencer`: a trained detector that says what is where in pictures."""

import math
import numbers
import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from torch import nn

from ..errors import UserError
from .image_inputs import PICTURES
from .image_reading import why
from .input_scale import Scale
from .loaded_model import choose_device
from .sample_batches import answer_batches, check_batch_size, source
from .sample_kinds import Sample

if TYPE_CHECKING:
    from .config_detector import DetectorInput

SCORE_THRESHOLD = 0.3
"""Detections from this score on are answered unless something else is asked for."""


class DetectionInferencer:
    """A trained detector of mmdet; like its ``DetInferencer``, but a bad picture stops nothing.

    Args:
        config: A config with a detector, whose test pipeline reads the pictures.
        checkpoint: The weights: a file, or a run's work folder.
        scale: (longer side, shorter side) in pixels that pictures are resized to fit into, in place
            of what the test pipeline says. Can be changed at any time through the attribute of that
            name, without loading anything again.
        device: By default a GPU if there is one.
        cfg_options: Dotted keys to values that override entries of the config.
        score_threshold: Detections below this score are left out. The config may leave out some by
            itself (``model.test_cfg.score_thr``).
        classes: Names of the classes, by default those that the checkpoint or the data set says.

    Attributes:
        batch_cost: What somebody who counts says that the detector has cost since it was last
            asked, in any unit. The pictures of a batch share its cost as ``cost`` in their
            answers; a batch that fails, and is run again picture by picture, has none.

    Raises:
        UserError: A config, checkpoint, scale or threshold that cannot work, or do not fit each
            other; a config without a detector.

    Example:
        >>> inferencer = DetectionInferencer('config.py', 'work_dirs/run')
        >>> found = inferencer('street.jpg')[0]
        >>> list(zip(found['class_names'], found['scores'], found['bboxes']))
        >>> inferencer.scale = (640, 400)
        >>> faster = inferencer('folder', batch_size=8)
    """

    kind = PICTURES
    """What is answered."""

    def __init__(
        self,
        config: str | Path,
        checkpoint: str | Path,
        scale: Sequence[int] | None = None,
        device: Any = None,
        cfg_options: Mapping[str, Any] | None = None,
        score_threshold: float = SCORE_THRESHOLD,
        classes: Sequence[str] | None = None,
    ):
        self.score_threshold = check_score(score_threshold)
        from .config_detector import LoadedDetector  # brings OpenMMLab with it

        self._model = LoadedDetector(
            config, checkpoint, choose_device(device), classes, cfg_options
        )
        self.scale = scale
        self.batch_cost: Callable[[], float] | None = None

    @property
    def detector(self) -> nn.Module:
        """The mmdet model, in eval mode."""
        return self._model.detector

    @property
    def classes(self) -> tuple[str, ...] | None:
        """Names of the classes; None if nobody says them."""
        return self._model.classes

    @property
    def name(self) -> str:
        """As reports call the detector."""
        return self._model.name

    @property
    def weights_sha256(self) -> str:
        """Hash of the weights, as reports name it."""
        return self._model.weights_sha256

    @property
    def scale(self) -> Scale | None:
        """(longer side, shorter side) in pixels that pictures are resized to fit into.

        None where the config's test pipeline resizes otherwise. Setting None brings back what the
        config says.

        Raises:
            UserError: On setting it, if it is no scale or cannot be put into the test pipeline.
        """
        return self._model.scale

    @scale.setter
    def scale(self, scale: Sequence[int] | None) -> None:
        self._model.set_scale(scale)

    def __call__(
        self, inputs: Any, batch_size: int = 1, score_threshold: float | None = None
    ) -> list[dict[str, Any]]:
        """Find objects in pictures.

        Args:
            inputs: A path, a folder (with its sub-folders), an array (H, W, 3) of uint8 in BGR
                order, a Pillow image, or a list or tuple of these; an empty list gets an empty
                answer.
            batch_size: Pictures that the detector is given at once, if they come out of the test
                pipeline in one size; others are not padded to it, which would change what is found.
            score_threshold: Another one than `score_threshold`, for this call only.

        Returns:
            A dict for each picture, in order; its detections come by falling score:

            - ``bboxes`` (N, 4) float32 array: left, top, right, bottom in pixels of the picture,
              turned upright as its EXIF entry says.
            - ``labels`` (N,) int64 array: the classes.
            - ``scores`` (N,) float32 array.
            - ``class_names``: the names of the classes; None if they are not known.
            - ``source``: the picture's path; None for arrays and Pillow images.
            - ``error``: None, or why this picture got no answer; boxes and the like are then None.
            - ``cost``: only where `batch_cost` is set, and the detector has run.

        Raises:
            UserError: A path given alone that does not exist, a folder without pictures, or
                something that is none; a batch size or threshold that cannot be.
        """
        return list(self.iterate(inputs, batch_size, score_threshold))

    def iterate(
        self, inputs: Any, batch_size: int = 1, score_threshold: float | None = None
    ) -> Iterator[dict[str, Any]]:
        """As a call, but answers come one by one, and only one batch of pictures is in memory."""
        check_batch_size(batch_size)
        lowest = self.score_threshold if score_threshold is None else check_score(score_threshold)
        pictures = self.kind.expand(inputs)
        return answer_batches(
            pictures, batch_size, self._prepare, partial(self._run, lowest), _unanswered
        )

    def _prepare(self, picture: Sample) -> 'DetectorInput':
        if isinstance(picture, str) and os.path.isfile(picture):
            self.kind.check_path(picture)
        return self._model.prepare(picture)

    def _run(
        self, lowest: float, prepared: list['DetectorInput'], pictures: list[Sample]
    ) -> list[dict[str, Any]]:
        """Answers for pictures of one size."""
        try:
            found = self._model.detect(prepared)
        except UserError as error:
            if self.batch_cost is not None:
                self.batch_cost()  # of what has not been answered
            if len(prepared) == 1:
                return [_unanswered(pictures[0], why(error))]
            return [
                self._run(lowest, [one], [picture])[0]
                for one, picture in zip(prepared, pictures, strict=True)
            ]
        cost = {} if self.batch_cost is None else {'cost': self.batch_cost() / len(prepared)}
        return [
            self._answer(instances, picture, lowest) | cost
            for instances, picture in zip(found, pictures, strict=True)
        ]

    def _answer(self, instances: Any, picture: Sample, lowest: float) -> dict[str, Any]:
        bboxes, labels, scores = (
            instances[key].cpu().numpy() for key in ('bboxes', 'labels', 'scores')
        )
        if not (np.isfinite(bboxes).all() and np.isfinite(scores).all()):
            return _unanswered(picture, 'the detector answers NaN or infinity')
        kept = scores >= lowest
        labels = labels[kept]
        names = self.classes
        return {
            'bboxes': bboxes[kept],
            'labels': labels,
            'scores': scores[kept],
            'class_names': None if names is None else tuple(names[label] for label in labels),
            'source': source(picture),
            'error': None,
        }


def check_score(score: float) -> float:
    """A score threshold as a plain number.

    Raises:
        UserError: It is none.
    """
    number = isinstance(score, numbers.Real) and not isinstance(score, bool)
    if not number or math.isnan(score) or not 0 <= score <= 1:
        raise UserError(f'score_threshold={score!r}: give a number from 0 to 1')
    return float(score)


def _unanswered(picture: Sample, error: str) -> dict[str, Any]:
    """What is said of a picture that got no answer."""
    answer = dict.fromkeys(('bboxes', 'labels', 'scores', 'class_names'), None)
    return answer | {'source': source(picture), 'error': error}
