"""What a detector costs on the images of a data set, whose sizes differ: mean and spread."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from mmengine.config import Config
from mmengine.dataset import pseudo_collate
from torch import nn
from torch.utils.data import Dataset

from ..detection_records import PARTS
from ..progress import track
from ..split_batches import evaluating
from .input_sizes import Size, network_sizes, split_dataset
from .part_costs import PartCounter, PartMacs, detector_costs, part_parameters

TOTAL = 'total'


@dataclass(frozen=True)
class Spread:
    """A number that differs from image to image; ``std`` is the root mean square deviation."""

    mean: float
    std: float
    min: int
    max: int


@dataclass(frozen=True)
class PartSpread:
    """One part's cost over all images.

    Attributes:
        part: One of `PARTS`, or `TOTAL`.
        macs: Multiply-adds of convolutions, linear layers and matrix products.
        with_norm: With what fvcore counts of normalisation and the like.
        parameters: Numbers in its parameters.
    """

    part: str
    macs: Spread
    with_norm: Spread
    parameters: int


@dataclass(frozen=True)
class SplitCosts:
    """What a detector costs on a split, image by image.

    Attributes:
        split: Its name.
        sizes: How many images reach the network in each size, (height, width) with padding.
        parts: In the order of `PARTS`, then `TOTAL`.
        proposals: Regions that the second stage of a two-stage detector has looked at; None of
            others.
    """

    split: str
    sizes: dict[Size, int]
    parts: tuple[PartSpread, ...]
    proposals: Spread | None

    @property
    def images(self) -> int:
        """How many."""
        return sum(self.sizes.values())


def has_second_stage(detector: nn.Module) -> bool:
    """Whether what a detector computes depends on more than the image's size: on proposals."""
    return getattr(detector, 'roi_head', None) is not None


def split_costs(detector: nn.Module, config: Config, split: str) -> SplitCosts:
    """Count every image of a split, padded by itself and not to others of a batch.

    Of a detector with one stage only the images' sizes matter, and one black image of each is
    counted. One with two stages runs on the images, which gives the real number of proposals of
    its weights.

    Args:
        detector: Of this config; its mode is restored.
        config: The config.
        split: See `split_dataset`.

    Raises:
        UserError: The split cannot be built, or the detector runs an operator nobody has priced.
    """
    dataset = split_dataset(config, split)
    if has_second_stage(detector):
        sizes, costs, proposals = _costs_of_images(detector, dataset, split)
    else:
        sizes = network_sizes(config, detector.data_preprocessor, dataset)
        of_size = {
            size: detector_costs(detector, size).costs
            for size in track(sorted(set(sizes)), f'the {split} split', 'sizes')
        }
        costs, proposals = [of_size[size] for size in sizes], None
    parameters = part_parameters(detector)
    columns = {part: [cost[part] for cost in costs] for part in PARTS}
    columns[TOTAL] = [sum(cost.values(), PartMacs()) for cost in costs]
    parameters[TOTAL] = sum(parameters.values())
    return SplitCosts(
        split=split,
        sizes=dict(sorted(Counter(sizes).items())),
        parts=tuple(
            PartSpread(
                part,
                _spread([cost.macs for cost in column]),
                _spread([cost.with_norm for cost in column]),
                parameters[part],
            )
            for part, column in columns.items()
        ),
        proposals=None if proposals is None else _spread(proposals),
    )


@torch.no_grad()
def _costs_of_images(
    detector: nn.Module, dataset: Dataset, split: str
) -> tuple[list[Size], list[dict[str, PartMacs]], list[int]]:
    """Sizes, costs and numbers of proposals of images that are really run."""
    sizes, costs, proposals = [], [], []
    with evaluating(detector), PartCounter(detector) as counter:
        for index in track(range(len(dataset)), f'the {split} split', 'images'):
            (found,) = detector.test_step(pseudo_collate([dataset[index]]))
            sizes.append(tuple(found.metainfo['batch_input_shape']))
            proposals.append(counter.regions or 0)
            costs.append(counter.take())
    return sizes, costs, proposals


def _spread(values: Sequence[int]) -> Spread:
    return Spread(float(np.mean(values)), float(np.std(values)), min(values), max(values))
