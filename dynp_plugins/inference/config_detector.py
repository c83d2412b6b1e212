"""A trained detector by its config, with the config's own test pipeline."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

import torch
from mmengine.config import Config
from torch import Tensor, nn
from torch.utils._pytree import tree_leaves

from ..checkpoints import read_checkpoint
from ..errors import UserError
from ..openmmlab.checkpoint_files import find_checkpoint
from ..openmmlab.config_files import load_config, require
from ..openmmlab.detectors import box_heads, is_detection_config, load_detector
from .config_dataset import class_names, test_dataset
from .config_pictures import PictureSteps, single_picture
from .input_scale import (
    Scale,
    at_scale,
    check_scale,
    check_stride,
    largest_stride,
    scale_of,
)
from .loaded_model import as_names, check_name_count
from .pipeline_steps import loads_picture
from .sample_kinds import Sample


class DetectorInput(NamedTuple):
    """A picture ready for a detector's data preprocessor.

    Attributes:
        inputs: (channels, height, width).
        data_sample: An mmdet ``DetDataSample``, which knows the picture's original size.
    """

    inputs: Tensor
    data_sample: Any

    @property
    def shape(self) -> tuple[int, ...]:
        return tuple(self.inputs.shape)


class LoadedDetector:
    """A detector in eval mode with its weights, and its test pipeline.

    Args:
        config_path: A config with a detector of mmdet and a ``test_dataloader``, whose data need
            not be there.
        checkpoint_path: A file of weights, or a run's work folder.
        device: Where it is to run.
        classes: Names of the classes; by default those noted in the checkpoint or, if there are
            none, those of the config's test data set.
        cfg_options: Dotted keys to values that override entries of the config.

    Attributes:
        name: The config's file name without its suffix.
        detector: The mmdet model.
        classes: Names of the classes; None if nobody says them.
        weights_sha256: Hash of the weights, as reports name it.

    Raises:
        UserError: The config cannot be built or describes something else, the weights do not fit
            it, or the checkpoint and the data set name different classes.
    """

    def __init__(
        self,
        config_path: str | Path,
        checkpoint_path: str | Path,
        device: torch.device,
        classes: Sequence[str] | None = None,
        cfg_options: Mapping[str, Any] | None = None,
    ):
        config = load_config(config_path, dict(cfg_options or {}))
        require(config, 'model', 'test_dataloader')
        if not is_detection_config(config):
            raise UserError(
                f'config {config_path} describes no detector of mmdet, but a model of type '
                f'{config.model.get("type")}: use dynp_plugins.DynamicInferencer'
            )
        checkpoint = read_checkpoint(find_checkpoint(checkpoint_path))
        dataset = test_dataset(config)
        if classes is None:  # before the weights, which only say that some shapes are wrong
            classes = class_names(config, dataset, checkpoint)
        detector, self.weights_sha256 = load_detector(config, checkpoint)
        self.detector: nn.Module = detector.to(device)
        self.name = Path(config_path).stem
        self.classes = as_names(classes)
        check_name_count(self.classes, _num_classes(detector))
        self._config: Config = config
        self._pipeline = list(dataset['pipeline'])
        if not any(map(loads_picture, self._pipeline)):
            raise UserError(
                f'the test pipeline of config {config_path} has no step that loads a picture: '
                "begin it with dict(type='mmdet.LoadImageFromFile')"
            )
        self.set_scale(None)

    def set_scale(self, scale: Sequence[int] | None) -> None:
        """Have the pipeline resize pictures to a scale; None for the config's own.

        Raises:
            UserError: See `at_scale` and `check_stride`.
        """
        if scale is not None:  # nothing would be found, without a word
            check_stride(check_scale(scale), largest_stride(self.detector))
        steps = self._pipeline if scale is None else at_scale(self._pipeline, scale)
        grey = any(
            loads_picture(step) and 'gray' in str(step.get('color_type', '')) for step in steps
        )
        self._steps = PictureSteps(self._config, steps, grey=grey)
        self.scale: Scale | None = scale_of(steps)

    def prepare(self, picture: Sample) -> DetectorInput:
        """Read a picture and run the test pipeline on it.

        Raises:
            UserError: The pipeline makes no single picture of it.
            Exception: Whatever a decoder or a transform raises.
        """
        sample = self._steps(picture)
        return DetectorInput(single_picture(sample), sample['data_samples'])

    @torch.no_grad()
    def detect(self, pictures: Sequence[DetectorInput]) -> list[Any]:
        """An mmdet ``InstanceData`` of detections for each picture, boxes in original pixels.

        Raises:
            UserError: The detector takes no such picture, or computes NaN.
        """
        batch = {
            'inputs': [picture.inputs for picture in pictures],
            'data_samples': [picture.data_sample for picture in pictures],
        }
        with refusing_nan(self.detector):
            return [sample.pred_instances for sample in self.detector.test_step(batch)]


@contextmanager
def refusing_nan(detector: nn.Module) -> Iterator[None]:
    """Have the detector's parts stop at a NaN, which would only make boxes vanish.

    No score is above a threshold where it is NaN.
    """
    parts = [
        module
        for name, module in detector.named_modules()
        if name in ('backbone', 'neck') or type(module).__name__.endswith('Head')
    ]
    hooks = [part.register_forward_hook(_refuse_nan) for part in parts]
    try:
        yield
    finally:
        for hook in hooks:
            hook.remove()


def _refuse_nan(module: nn.Module, inputs: Any, outputs: Any) -> None:
    if torch.jit.is_tracing():  # somebody counts its operations
        return
    if any(leaf.isnan().any() for leaf in tree_leaves(outputs) if isinstance(leaf, Tensor)):
        raise UserError('the detector computes NaN; its weights are broken')


def _num_classes(detector: nn.Module) -> int | None:
    """Number of classes of a detector, as its last box head says it."""
    heads = list(box_heads(detector).values())
    return getattr(heads[-1], 'num_classes', None) if heads else None
