"""The test pipeline of a config as a record; a step that has no counterpart is named."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from ...config_types import type_scopes
from ...errors import UserError
from ..pipeline_steps import Step, step_name
from .geometry import (
    CropCentre,
    CropFrameCentre,
    Interpolation,
    Operation,
    OperationRecord,
    ResizeEdge,
    ResizeInto,
    ResizeTo,
)
from .records import Normalisation, PictureReading, Preprocessing, VideoReading

_GREY_CANVAS = [124, 117, 104]
"""What mmcv puts behind grey pictures with transparency where Pillow decodes them."""

_REMEDY = (
    'export with --no-preprocessing and give DynamicInferencer(DIR, preprocess=...) a function of '
    'your own'
)
_DECODERS = ('cv2', 'pillow')


def translate_pictures(
    steps: Sequence[Step], normalisation: Normalisation, bgr: bool, grey: bool
) -> Preprocessing:
    """A pipeline of pictures.

    Args:
        steps: As the config has them.
        normalisation: What the data preprocessor does.
        bgr: Whether pictures that no step loads are in BGR order.
        grey: Whether these have one channel.

    Raises:
        UserError: A step or a setting has no counterpart.
    """
    reading, operations = PictureReading(bgr=bgr, grey=grey), []
    for number, step in enumerate(steps):
        given = _Settings(step, number, ('mmcv', 'mmpretrain'))
        if given.name == 'LoadImageFromFile':
            reading = _loading(given)
        elif given.name == 'PackInputs':
            given.drop('meta_keys', 'algorithm_keys')
        else:
            operations.append(_operation(given, _PICTURE_STEPS))
        given.check_all_taken()
    return Preprocessing(
        reading, None, [OperationRecord.of(each) for each in operations], normalisation
    )


def translate_videos(
    steps: Sequence[Step], normalisation: Normalisation, filename_tmpl: str, start_index: int
) -> Preprocessing:
    """A pipeline of videos.

    Args:
        steps: As the config has them.
        normalisation: What the data preprocessor does.
        filename_tmpl: Names of the frames, where videos are folders of them.
        start_index: Number of the first.

    Raises:
        UserError: A step or a setting has no counterpart.
    """
    reading: dict[str, Any] = {}
    operations = []
    for number, step in enumerate(steps):
        given = _Settings(step, number, ('mmaction', 'mmcv', 'dynp_plugins'))
        if given.name in _VIDEO_READING:
            reading |= _VIDEO_READING[given.name](given)
        else:
            operations.append(_operation(given, _VIDEO_STEPS))
        given.check_all_taken()
    if reading.get('folders'):
        reading |= {'filename_tmpl': filename_tmpl, 'start_index': start_index}
    return Preprocessing(
        None,
        VideoReading(**reading),
        [OperationRecord.of(each) for each in operations],
        normalisation,
    )


def translate_normalisation(data_preprocessor: Any) -> Normalisation:
    """What the data preprocessor of mmpretrain's or mmaction2's classifiers does.

    Raises:
        UserError: It is another one.
    """
    kind = type(data_preprocessor).__name__
    frames = kind == 'ActionDataPreprocessor'
    if kind != 'ClsDataPreprocessor' and not (frames and data_preprocessor.format_shape == 'NCHW'):
        raise UserError(f'the data preprocessor {kind} cannot be run without OpenMMLab: {_REMEDY}')
    mean, std = (getattr(data_preprocessor, name, None) for name in ('mean', 'std'))
    return Normalisation(
        reverse_channels=data_preprocessor.to_rgb,
        mean=None if mean is None else mean.flatten().tolist(),
        std=None if std is None else std.flatten().tolist(),
        pad_divisor=1 if frames else data_preprocessor.pad_size_divisor,
        pad_value=0.0 if frames else float(data_preprocessor.pad_value),
    )


class _Settings:
    """The settings of one step, to be taken one by one, so that none is passed over.

    Args:
        step: The step.
        number: Its place in the pipeline.
        scopes: Whose steps are known.

    Raises:
        UserError: It is a function, or a step of somebody else.
    """

    def __init__(self, step: Step, number: int, scopes: Sequence[str]):
        self.name = step_name(step)
        self._what = f'step {number} of the test pipeline, {self.name},'
        if not isinstance(step, Mapping) or not type_scopes(step['type']) <= {*scopes, 'builtins'}:
            raise self.error('is not known')
        self._left = {key: value for key, value in step.items() if key != 'type'}

    def take(self, key: str, default: Any) -> Any:
        """A setting, or what it is if it is left out."""
        return self._left.pop(key, default)

    def drop(self, *keys: str) -> None:
        """Pass settings over that change no pixel."""
        for key in keys:
            self._left.pop(key, None)

    def expect(self, **values: Any) -> None:
        """Take settings of which only one value has a counterpart, that which is the default."""
        for key, value in values.items():
            found = self.take(key, value)
            if found != value:
                raise self.error(f'has {key}={found!r}')

    def check_all_taken(self) -> None:
        """Refuse settings that nobody has taken."""
        for key, value in self._left.items():
            raise self.error(f'has {key}={value!r}')

    def error(self, problem: str) -> UserError:
        """What is said of the step."""
        return UserError(
            f'{self._what} {problem}, which cannot be run without OpenMMLab: change the pipeline '
            f'(--cfg-options), or {_REMEDY}'
        )

    def pair(self, key: str) -> tuple[int, int]:
        """(width, height), which may be given as one number."""
        value = self.take(key, None)
        numbers = [value, value] if isinstance(value, int) else list(value or ())
        if len(numbers) != 2 or not all(isinstance(each, int) for each in numbers):
            raise self.error(f'has {key}={value!r}')
        return numbers[0], numbers[1]

    def interpolation(self, **taken: Any) -> Interpolation:
        """How the step resizes."""
        backend = taken.get('backend') or self.take('backend', 'cv2')
        return Interpolation(backend, self.take('interpolation', 'bilinear'))


def _operation(
    given: _Settings, known: Mapping[str, Callable[[_Settings], Operation]]
) -> Operation:
    if given.name not in known:
        raise given.error('is not known')
    return known[given.name](given)


def _loading(given: _Settings) -> PictureReading:
    decoder = given.take('imdecode_backend', 'cv2')
    if decoder not in _DECODERS:
        raise given.error(f'has imdecode_backend={decoder!r}')
    given.expect(color_type='color', ignore_empty=False, backend_args=None, file_client_args=None)
    return PictureReading(
        decoder=decoder,
        bgr=True,
        float32=bool(given.take('to_float32', False)),
        canvas=_GREY_CANVAS if decoder == 'pillow' else None,
    )


def _resize_edge(given: _Settings) -> Operation:
    return ResizeEdge(given.take('scale', None), given.take('edge', 'short'), given.interpolation())


def _resize_picture(given: _Settings) -> Operation:
    given.expect(scale_factor=None)
    given.drop('clip_object_border')
    width, height = given.pair('scale')
    keep_ratio, interpolation = given.take('keep_ratio', False), given.interpolation()
    if keep_ratio:
        return ResizeInto(min(width, height), max(width, height), interpolation)
    return ResizeTo(width, height, interpolation)


def _crop_picture(given: _Settings) -> Operation:
    given.expect(auto_pad=False)
    given.drop('pad_cfg', 'clip_object_border')
    return CropCentre(*given.pair('crop_size'))


def _resize_frames(given: _Settings) -> Operation:
    given.expect(lazy=False)
    one, other = given.pair('scale')
    shorter, longer = sorted((one, other))
    interpolation = given.interpolation(backend='cv2')
    if not given.take('keep_ratio', True):
        return ResizeTo(one, other, interpolation)
    if shorter == -1:
        return ResizeInto(longer, None, interpolation)
    return ResizeInto(shorter, longer, interpolation)


def _crop_frames(given: _Settings) -> Operation:
    given.expect(lazy=False)
    return CropFrameCentre(*given.pair('crop_size'))


def _sampling(given: _Settings) -> dict[str, Any]:
    if not given.take('test_mode', False):
        raise given.error('has no test_mode=True')
    given.expect(temporal_jitter=False)
    given.drop('keep_tail_frames')  # of training alone
    defaults = VideoReading()
    names = ('clip_len', 'frame_interval', 'num_clips', 'twice_sample', 'out_of_bound_opt')
    found = {name: given.take(name, getattr(defaults, name)) for name in names}
    fps = given.take('target_fps', None)
    return found | {'target_fps': None if fps is None else float(fps)}


def _shuffling(given: _Settings) -> dict[str, Any]:
    given.expect(fresh=False)
    return {
        'shuffle_seed': given.take('seed', 0),
        'shuffle_group': given.take('group_size', None),
    }


def _opening(given: _Settings) -> dict[str, Any]:
    given.drop('threads', 'num_threads')
    given.expect(io_backend='disk')
    return {'folders': False}


def _decoding(given: _Settings) -> dict[str, Any]:
    given.expect(mode='accurate')
    return {'folders': False}


def _decoding_folders(given: _Settings) -> dict[str, Any]:
    given.expect(io_backend='disk', decoding_backend='cv2')
    return {'folders': True}


def _format(given: _Settings) -> dict[str, Any]:
    if given.take('input_format', None) != 'NCHW':
        raise given.error("has another input_format than 'NCHW'")
    given.expect(collapse=False)
    return {}


def _pack(given: _Settings) -> dict[str, Any]:
    given.expect(collect_keys=None)
    given.drop('meta_keys', 'algorithm_keys')
    return {}


_PICTURE_STEPS: dict[str, Callable[[_Settings], Operation]] = {
    'ResizeEdge': _resize_edge,
    'Resize': _resize_picture,
    'CenterCrop': _crop_picture,
}
_VIDEO_STEPS: dict[str, Callable[[_Settings], Operation]] = {
    'Resize': _resize_frames,
    'CenterCrop': _crop_frames,
}
_VIDEO_READING: dict[str, Callable[[_Settings], dict[str, Any]]] = {
    'OpenVideo': _opening,
    'DecordInit': _opening,  # left to PyAV here as in `DynamicInferencer`
    'SampleFrames': _sampling,
    'ShuffleFrames': _shuffling,
    'DecodeVideo': _decoding,
    'DecordDecode': _decoding,
    'RawFrameDecode': _decoding_folders,
    'FormatShape': _format,
    'PackActionInputs': _pack,
}
