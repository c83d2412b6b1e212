"""Videos made ready by the test pipeline of a config."""

import inspect
import os
from collections.abc import Mapping
from typing import Any

import numpy as np
from mmengine.config import Config
from mmengine.dataset import Compose
from mmengine.registry import DATASETS, DefaultScope
from torch import Tensor, nn

from ..datasets.video_reading import video_problem
from ..errors import UserError
from ..openmmlab.config_files import building_from
from .image_reading import read_rgb
from .pipeline_steps import opens_files, video_in_memory, without_decoding, without_decord
from .preprocessing.translation import translate_normalisation, translate_videos
from .sample_kinds import Sample
from .video_inputs import VIDEOS, count_frames, frame_folders, frame_pattern

_SETTINGS = {'start_index': 0, 'modality': 'RGB', 'filename_tmpl': 'img_{:05}.jpg'}


class VideoPipeline:
    """Reads a video and runs the test pipeline on it.

    A video is a file, or a folder of frames where the pipeline opens no files. Where the pipeline
    decodes with decord, PyAV takes its place, which at a constant frame rate gives the same frames.
    Arrays skip opening and decoding; they come in BGR order, as arrays of pictures do, and are
    turned round, because all decoding steps give RGB.

    Args:
        config: The config.
        dataset: Its test data set.
        classifier: Its classifier.

    Attributes:
        kind: What it reads.
        describe: Gives all that is done to a video as data, or raises a `UserError`.

    Raises:
        UserError: The pipeline or the data set cannot be used.
    """

    def __init__(self, config: Config, dataset: Mapping[str, Any], classifier: nn.Module):
        steps = list(dataset['pipeline'])
        scope = DefaultScope.overwrite_default_scope(config.get('default_scope'))
        with scope, building_from(config):
            self._whole = Compose(without_decord(steps))
            self._after_decoding = Compose(without_decoding(steps))
            self._settings = _settings(dataset)
        if self._settings['modality'] != 'RGB':
            raise UserError(
                f'the test data of config {config.filename} have modality='
                f"{self._settings['modality']!r}: only 'RGB' can be read"
            )
        self._opens_files = opens_files(steps)
        self.describe = lambda: translate_videos(
            steps,
            translate_normalisation(classifier.data_preprocessor),
            self._settings['filename_tmpl'],
            self._settings['start_index'],
        )
        self.kind = VIDEOS if self._opens_files else frame_folders(self._settings['filename_tmpl'])

    def __call__(self, video: Sample) -> Tensor:
        """The video as the data preprocessor takes it, (frames, channels, height, width).

        Raises:
            UserError: The pipeline makes no frames of it, or frames are missing.
            Exception: Whatever a decoder or a transform raises.
        """
        if isinstance(video, np.ndarray):
            sample = self._after_decoding(video_in_memory(video[..., ::-1]))
        elif self._opens_files:
            sample = self._from_file(video)
        else:
            sample = self._from_folder(video)
        inputs = sample.get('inputs') if isinstance(sample, Mapping) else None
        if not isinstance(inputs, Tensor) or inputs.ndim != 4:
            raise UserError(
                'the test pipeline makes no frames (frames, channels, height, width); it needs '
                "FormatShape with input_format='NCHW'"
            )
        return inputs

    def _from_file(self, path: str) -> Any:
        try:
            return self._whole({'filename': path, **self._settings})
        except Exception:
            problem = video_problem(path)  # says more than most decoding steps
            if problem is None:
                raise
            raise UserError(problem) from None

    def _from_folder(self, folder: str) -> Any:
        template = self._settings['filename_tmpl']
        count = count_frames(folder, template, self._settings['start_index'])
        try:
            return self._whole({'frame_dir': folder, 'total_frames': count, **self._settings})
        except Exception:
            for name in filter(frame_pattern(template).fullmatch, os.listdir(folder)):
                try:
                    read_rgb(os.path.join(folder, name))
                except Exception as error:  # decoders raise whatever they like
                    raise UserError(f'the frame {name} cannot be read: {error}') from error
            raise


def _settings(dataset: Mapping[str, Any]) -> dict[str, Any]:
    """What the data set adds to each of its samples: its settings, else its type's defaults."""
    kind = dataset['type']
    kind = DATASETS.get(kind) if isinstance(kind, str) else kind
    parameters: dict[str, inspect.Parameter] = {}
    for cls in reversed(inspect.getmro(kind)):
        if '__init__' in vars(cls):
            parameters |= inspect.signature(cls.__init__).parameters
    settings = {}
    for name, fallback in _SETTINGS.items():
        default = parameters[name].default if name in parameters else inspect.Parameter.empty
        found = fallback if default is inspect.Parameter.empty else default
        settings[name] = dataset.get(name, found)
    return settings
