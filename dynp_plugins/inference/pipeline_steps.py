"""What the steps of a config's test pipeline do, and the same pipeline without its reading steps.

The names are those of mmpretrain, mmaction2, mmdet and this package; nothing of OpenMMLab is
imported.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from ..config_types import type_name
from ..dataset_wrappers import entries_with_pipelines

Step = Mapping[str, Any] | Callable[[dict], dict]

_OPENING = frozenset({'OpenVideo', 'DecordInit', 'OpenCVInit', 'PIMSInit', 'PyAVInit'})
_DECODING = frozenset(
    {
        *('DecodeVideo', 'DecordDecode', 'OpenCVDecode', 'PIMSDecode', 'PyAVDecode'),
        *('ArrayDecode', 'RawFrameDecode'),
    }
)
_BY_PYAV = {'DecordInit': {'type': 'OpenVideo'}, 'DecordDecode': {'type': 'DecodeVideo'}}


def innermost_dataset(dataset: Mapping[str, Any] | None) -> Mapping[str, Any] | None:
    """The data set in a config's data set that has a pipeline, wrappers taken off; None if none.

    Of several that are joined, it is the first.
    """
    return next(iter(entries_with_pipelines(dataset)), None)


def pipelines_differ(dataset: Mapping[str, Any] | None) -> bool:
    """Whether a config's data set joins others that are made ready in different ways."""
    pipelines = [entry['pipeline'] for entry in entries_with_pipelines(dataset)]
    return any(pipeline != pipelines[0] for pipeline in pipelines)


def step_name(step: Step) -> str:
    """The name of a step's type without its scope."""
    kind = step['type'] if isinstance(step, Mapping) else type(step)
    return type_name(kind)


def takes_videos(steps: Sequence[Step]) -> bool:
    """Whether a pipeline decodes frames of videos."""
    return any(step_name(step) in _DECODING for step in steps)


def opens_files(steps: Sequence[Step]) -> bool:
    """Whether a pipeline of videos opens files of them; otherwise it reads folders of frames."""
    return any(step_name(step) in _OPENING for step in steps)


def loads_picture(step: Step) -> bool:
    """Whether a step reads the picture from a file."""
    return step_name(step).startswith('Load')


def without_loading(steps: Sequence[Step]) -> list[Step]:
    """A pipeline of pictures that begins with the picture in memory, see `picture_in_memory`."""
    return [step for step in steps if not loads_picture(step)]


def picture_in_memory(pixels: np.ndarray) -> dict[str, Any]:
    """What such a pipeline takes, of (H, W, 3) or (H, W) pixels."""
    size = pixels.shape[:2]
    return {'img': pixels, 'img_shape': size, 'ori_shape': size}


def without_decord(steps: Sequence[Step]) -> list[Step]:
    """The same pipeline, but what decord would open and decode is left to PyAV."""
    return [_BY_PYAV.get(step_name(step), step) for step in steps]


def without_decoding(steps: Sequence[Step]) -> list[Step]:
    """A pipeline of videos that takes its frames from memory, see `video_in_memory`."""
    return [
        _take_frames if step_name(step) in _DECODING else step
        for step in steps
        if step_name(step) not in _OPENING
    ]


def video_in_memory(frames: np.ndarray) -> dict[str, Any]:
    """What such a pipeline takes, of (frames, H, W, 3) in the order of channels of decoders: RGB.

    Their rate is not known, so that sampling at a target rate takes them as they are.
    """
    return {
        'array': frames,
        'filename': '',
        'total_frames': len(frames),
        'start_index': 0,
        'modality': 'RGB',
    }


def _take_frames(results: dict[str, Any]) -> dict[str, Any]:
    """In place of decoding: the sampled frames of an array, each a copy that may be written to."""
    chosen = np.asarray(results['frame_inds']).ravel()
    size = results['array'].shape[1:3]
    frames = [np.array(results['array'][index], order='C') for index in chosen]
    return {**results, 'imgs': frames, 'img_shape': size, 'original_shape': size}
