"""Pictures made ready by the test pipeline of a config."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from mmengine.config import Config
from mmengine.dataset import Compose
from mmengine.registry import DefaultScope
from torch import Tensor, nn

from ..errors import UserError
from ..openmmlab.config_files import building_from
from .image_inputs import PICTURES
from .image_reading import check_file_depth, read_rgb
from .pipeline_steps import Step, loads_picture, picture_in_memory, without_loading
from .preprocessing.translation import translate_normalisation, translate_pictures
from .sample_kinds import Sample


class PictureSteps:
    """Reads a picture and runs the steps of a test pipeline on it.

    A file is loaded by the pipeline's own loading step. Arrays and Pillow images skip it. Where the
    pipeline has none, files are read with Pillow.

    Args:
        config: The config.
        steps: The pipeline.
        bgr: Whether its pictures are in BGR order; those of a loading step always are.
        grey: Whether they have one channel.

    Attributes:
        loads: Whether it has a loading step.
    """

    def __init__(self, config: Config, steps: Sequence[Step], bgr: bool = True, grey: bool = False):
        scope = DefaultScope.overwrite_default_scope(config.get('default_scope'))
        with scope, building_from(config):
            self._whole = Compose(list(steps))
            self._after_loading = Compose(without_loading(steps))
        loading = [step for step in steps if loads_picture(step)]
        self.loads = bool(loading)
        self._to_float = any(step.get('to_float32') for step in loading)
        self._bgr = self.loads or bgr
        self._grey = grey

    def __call__(self, picture: Sample) -> Any:
        """What the last step gives.

        Raises:
            UserError: The file has 16 bits a channel or more.
            Exception: Whatever a decoder or a transform raises.
        """
        if isinstance(picture, str) and self.loads:
            return self._load_and_transform(picture)
        return self._after_loading(picture_in_memory(self._pixels(picture)))

    def _load_and_transform(self, path: str) -> Any:
        check_file_depth(path)
        try:
            return self._whole({'img_path': path})
        except Exception:
            read_rgb(path)  # says more of what is wrong with a file than most loading steps
            raise

    def _pixels(self, picture: Sample) -> np.ndarray:
        """(H, W, 3), or (H, W) of a grey one, as the pipeline's pictures are before its steps."""
        image = read_rgb(picture)
        pixels = np.array(image.convert('L') if self._grey else image)
        if self._bgr and not self._grey:
            pixels = pixels[..., ::-1].copy()
        return pixels.astype(np.float32) if self._to_float else pixels


class PicturePipeline:
    """The test pipeline of a classifier of pictures.

    Data sets that hold their pictures in memory, and so have no loading step, keep them in RGB
    order unless the config's data preprocessor turns the order round, and in one channel where the
    network takes one.

    Args:
        config: The config.
        dataset: Its test data set.
        classifier: Its classifier.

    Attributes:
        kind: What it reads.
        describe: Gives all that is done to a picture as data, or raises a `UserError`.
    """

    kind = PICTURES

    def __init__(self, config: Config, dataset: Mapping[str, Any], classifier: nn.Module):
        bgr = bool(getattr(classifier.data_preprocessor, 'to_rgb', False))
        grey = getattr(classifier.backbone, 'channels', 3) == 1
        steps = list(dataset['pipeline'])
        self._steps = PictureSteps(config, steps, bgr=bgr, grey=grey)
        self.describe = lambda: translate_pictures(
            steps, translate_normalisation(classifier.data_preprocessor), bgr=bgr, grey=grey
        )

    def __call__(self, picture: Sample) -> Tensor:
        """The picture as the data preprocessor takes it, (channels, height, width).

        Raises:
            UserError: The pipeline makes no single picture of it.
            Exception: Whatever a decoder or a transform raises.
        """
        return single_picture(self._steps(picture))


def single_picture(sample: Any) -> Tensor:
    """The picture (channels, height, width) in what a pipeline's last step gives.

    Raises:
        UserError: There is none, or several.
    """
    inputs = sample.get('inputs') if isinstance(sample, Mapping) else None
    if not isinstance(inputs, Tensor) or inputs.ndim != 3:
        raise UserError('the test pipeline makes no single picture (channels, height, width)')
    return inputs
