"""Trained detectors made ready to be timed: their scales, and the test images they run on."""

import copy
import json
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import torch
from mmengine.config import Config
from mmengine.dataset import pseudo_collate
from torch import Tensor, nn

from dynp_plugins.errors import UserError
from dynp_plugins.inference.input_scale import Scale, largest_stride
from dynp_plugins.openmmlab.sample_times import spread_evenly

from ..timed_samples import SampleSource
from ..trained_model import TrainedDetector
from .reported_scale import reported_detector
from .scales import chosen_scales, scale_name, with_scale


@dataclass(frozen=True, eq=False)
class PreparedImage:
    """A test image as a detector takes it.

    Attributes:
        index: Which one of the test split.
        inputs: (1, 3, H, W) normalised and padded, in the memory of the CPU.
        sample: mmdet's data sample, which says how the image was resized.
    """

    index: int
    inputs: Tensor
    sample: Any


@dataclass(frozen=True, eq=False)
class TimedDetector:
    """A detector at one scale.

    Attributes:
        name: For tables and messages.
        config_sha256: Of its config.
        weights_sha256: Of its weights.
        detector: In eval mode; shared by its scales.
        scale: (longer side, shorter side) that images are resized to fit into.
        images: That it is timed on; spread over the test split, the same at every scale.
        source: What hands them out.
    """

    name: str
    config_sha256: str
    weights_sha256: str
    detector: nn.Module
    scale: Scale
    images: list[PreparedImage]
    source: SampleSource | None = None

    @property
    def sample(self) -> str:
        """What it takes, in a word."""
        return 'image'

    @property
    def index(self) -> list[int]:
        """Which images of the test split it is timed on."""
        return [image.index for image in self.images]

    def prepared(
        self, device: torch.device, dtype: torch.dtype, channels_last: bool
    ) -> 'TimedDetector':
        """The detector brought to where and how it is to run; the module is changed.

        Args:
            device: For the detector; images stay in the memory of the CPU.
            dtype: Of weights and images.
            channels_last: Whether they are to have that memory format.

        Raises:
            UserError: It cannot run like that.
        """
        layout = torch.channels_last if channels_last else torch.contiguous_format
        self.detector.to(device=device, dtype=dtype, memory_format=layout).eval()
        images = [
            replace(image, inputs=image.inputs.to(dtype=dtype, memory_format=layout))
            for image in self.images
        ]
        try:
            detect(self.detector, images[0].inputs.to(device), images[0].sample)
        except (RuntimeError, TypeError) as error:
            raise UserError(
                f'{self.name} cannot run at {scale_name(self.scale)} in '
                f'{str(dtype).removeprefix("torch.")} on {device}: {error}; choose another '
                '--dtype, --device or scale'
            ) from error
        return replace(self, images=images)


@torch.no_grad()
def detect(detector: nn.Module, inputs: Tensor, sample: Any) -> None:
    """From a prepared image on the detector's device to boxes in the original image.

    Args:
        detector: In eval mode.
        inputs: See `PreparedImage`.
        sample: Likewise; it gets the boxes.
    """
    detector(inputs, [sample], mode='predict')


def load_timed_detectors(
    models: Sequence[TrainedDetector],
    words: Sequence[str] = (),
    report: str | Path | None = None,
    images: int = 1024,
) -> list[TimedDetector]:
    """Every detector at each of its scales, with test images.

    Args:
        models: On the CPU.
        words: Scales of the command line, see `chosen_scales`; these are timed. Without them those
            of ``report``, and without that those of each config.
        report: The folder that ``tools/budget_curve.py --out`` wrote.
        images: At most so many of each test split, spread evenly over it.

    Raises:
        UserError: A scale does not fit; the report does not know a detector; or a test split is
            empty, or another than the report's.
    """
    read: dict[str, tuple[list[PreparedImage], SampleSource]] = {}
    timed = []
    for model in models:
        scales, expected = _scales(model, words, report)
        for scale in scales:
            # Detectors with the same test pipeline share their images.
            config = with_scale(model.config, scale)
            entries = [config.test_dataloader, config.model.get('data_preprocessor')]
            key = json.dumps([*entries, config.get('data_preprocessor')], default=repr)
            if key not in read:
                read[key] = _read(model, config, images)
            prepared, source = read[key]
            if expected not in (None, len(source.dataset)):
                raise UserError(
                    f'the test split of {model.name} has {len(source.dataset)} images, and '
                    f'{expected} in {report}: the data have changed since; run '
                    'tools/budget_curve.py again'
                )
            timed.append(
                TimedDetector(
                    model.name,
                    model.config_record.sha256,
                    model.checkpoint_record.sha256,
                    model.detector,
                    scale,
                    prepared,
                    source,
                )
            )
    return timed


def _scales(
    model: TrainedDetector, words: Sequence[str], report: str | Path | None
) -> tuple[list[Scale], int | None]:
    """The scales to time a detector at; and how many test images the report says there are."""
    if words or report is None:
        return chosen_scales(model.config, words, largest_stride(model.detector)), None
    path = Path(report) / 'results.json'
    if not path.exists():
        raise UserError(
            f'there is no {path} that would say the scales of {model.name}: run '
            f'tools/budget_curve.py first, with --out {report}, or give --scales'
        )
    found = reported_detector(path, model.config_record.sha256, model.checkpoint_record.sha256)
    if found is not None:
        return [tuple(point.scale) for point in found.points], found.test.samples
    raise UserError(
        f'{path} does not know {model.name} with this config and these weights: run '
        'tools/budget_curve.py again with the same config, options and checkpoint, or give --scales'
    )


@torch.no_grad()
def _read(
    model: TrainedDetector, config: Config, count: int
) -> tuple[list[PreparedImage], SampleSource]:
    """Images of the test split of the model's config with a scale put in."""
    loader = model.build_splits(['test'], config)['test']
    dataset, preprocessor = loader.dataset, model.detector.data_preprocessor
    if not len(dataset):
        raise UserError(f'the test split of {model.name} is empty')
    prepared = []
    for index in spread_evenly(len(dataset), count):
        data = preprocessor(pseudo_collate([dataset[index]]), training=False)
        prepared.append(PreparedImage(index, data['inputs'], data['data_samples'][0]))
    # A copy: the detector's own goes where the detector goes, and into its number format.
    return prepared, SampleSource(dataset, copy.deepcopy(preprocessor))
