"""Running a detector on one image after another, and what each of them has cost."""

import contextlib
from typing import Any

from torch import Tensor, nn

from .part_costs import PartCounter, PartMacs
from .split_costs import has_second_stage


class ImageCosts:
    """Runs a detector and says what every image has cost, without watching it where that is known.

    What a detector with one stage computes depends on the size of the image alone: the first image
    of each size is counted, and on others nothing watches its modules, which would cost time. One
    with two stages is watched on every image.

    Args:
        detector: A detector of mmdet in eval mode, on any device.
    """

    def __init__(self, detector: nn.Module):
        self._detector = detector
        self._counter = PartCounter(detector)
        self._of_shape: dict[tuple[int, ...], dict[str, PartMacs]] = {}

    def detect(self, inputs: Tensor, sample: Any) -> tuple[Any, dict[str, PartMacs]]:
        """Run one image.

        Args:
            inputs: (3, H, W) as the test pipeline makes it; nothing else is in its batch.
            sample: mmdet's data sample.

        Returns:
            The sample with its detections, and the cost by part.
        """
        shape = tuple(inputs.shape)
        costs = self._of_shape.get(shape)
        with self._counter if costs is None else contextlib.nullcontext():
            (found,) = self._detector.test_step({'inputs': [inputs], 'data_samples': [sample]})
        if costs is None:
            costs = self._counter.take()
            if not has_second_stage(self._detector):
                self._of_shape[shape] = costs
        return found, costs
