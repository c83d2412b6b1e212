"""The first samples of test splits, as networks take them, and what hands them out."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import torch
from torch import Tensor, nn
from torch.utils.data import Dataset

from dynp_plugins.early_exit import ExitTable
from dynp_plugins.errors import UserError

from .provenance import picture_digest
from .trained_model import TrainedModel


@dataclass(frozen=True, eq=False)
class SampleSource:
    """What makes a model's samples out of what is stored.

    Attributes:
        dataset: The test split; a sample runs through its pipeline.
        preprocessor: The classifier's data preprocessor, on the CPU.
    """

    dataset: Dataset
    preprocessor: nn.Module


class TimedSamples(Protocol):
    """Whose samples are made ready: a model that is timed on them.

    Attributes:
        name: For messages.
        sample: What it takes, in a word.
        index: Which samples of its source they are.
        source: What hands them out; None if it is not known.
    """

    name: str
    source: SampleSource | None

    @property
    def sample(self) -> str: ...

    @property
    def index(self) -> Sequence[int]: ...


@dataclass(frozen=True, eq=False)
class _Read:
    """Samples with what tells them apart, and where they came from."""

    digests: list[bytes]
    samples: Tensor
    source: SampleSource


class TestImages:
    """Reads the first samples of test splits; models with the same test pipeline share them.

    Of videos as many are read as have ``limit`` frames together, so that they take about as much
    memory as pictures; but at least ``least_videos``, so that they fill a batch.

    Args:
        limit: At most so many samples of each.
        least_videos: So many videos are read, where there are as many and ``limit`` allows them.
    """

    __test__ = False  # the name is no test's

    def __init__(self, limit: int, least_videos: int = 1):
        self._limit = limit
        self._least_videos = least_videos
        self._read: dict[str, _Read] = {}

    def of(self, model: TrainedModel, test: ExitTable) -> tuple[Tensor, SampleSource]:
        """The samples and what hands them out.

        Args:
            model: Whose test split, on the CPU.
            test: The exit table of that split.

        Returns:
            (N, 3, H, W), or (N, M, 3, H, W) of videos of M frames, as the network takes them,
            float32 on the CPU; and their source, which is one object for models that share it.

        Raises:
            UserError: The samples are not those of the table, or differ in size.
        """
        config = model.config
        entries = [config.test_dataloader, config.model.get('data_preprocessor')]
        key = json.dumps([*entries, config.get('data_preprocessor')], default=repr)
        if key not in self._read:
            self._read[key] = self._load(model)
        read = self._read[key]
        for number, digest in enumerate(read.digests):
            if number >= len(test) or digest != test.picture[number].tobytes():
                word = 'video' if read.samples.ndim == 5 else 'image'
                raise UserError(
                    f'{word} {number} of the test split of {model.name} is not the one in its exit '
                    'table: the data have changed since; run tools/budget_curve.py again'
                )
        return read.samples, read.source

    @torch.no_grad()
    def _load(self, model: TrainedModel) -> _Read:
        loader = model.build_splits(['test'])['test']
        preprocessor = model.classifier.data_preprocessor
        digests, parts, limit = [], [], self._limit
        for batch in loader:
            shapes = {tuple(image.shape) for image in batch['inputs']}
            shapes |= {tuple(part.shape[1:]) for part in parts[-1:]}
            if len(shapes) > 1:
                raise UserError(
                    f'samples of the test split of {model.name} reach the network in different '
                    f'sizes, such as {sorted(shapes)[:3]}: crop or resize them to one size'
                )
            digests += [picture_digest(image.numpy()) for image in batch['inputs']]
            parts.append(preprocessor(batch, training=False)['inputs'])
            limit = self._limit_for(parts[0])
            if len(digests) >= limit:
                break
        if not parts:
            raise UserError(f'the test split of {model.name} is empty')
        source = SampleSource(loader.dataset, preprocessor)
        return _Read(digests[:limit], torch.cat(parts)[:limit], source)

    def _limit_for(self, samples: Tensor) -> int:
        """How many samples like these are read."""
        if samples.ndim == 4:
            return self._limit
        of_frames = self._limit // samples.shape[1]
        return min(self._limit, max(of_frames, self._least_videos))
