"""What a sample is called and how large it is, in words: an image, or frames of a video."""

from collections.abc import Sequence
from dataclasses import dataclass

from benchmarks.results import ACTION, CLASSIFICATION, DETECTION, ModelResult

from .costs.views import view_count


@dataclass(frozen=True)
class SampleWords:
    """What one label belongs to.

    Attributes:
        one: ``image``, ``video``, or ``sample`` where it may be either.
    """

    one: str

    @property
    def many(self) -> str:
        """The plural."""
        return f'{self.one}s'


_WORDS = {
    CLASSIFICATION: SampleWords('image'),
    ACTION: SampleWords('video'),
    DETECTION: SampleWords('image'),
}


def sample_words(task: str) -> SampleWords:
    """The words for what a task is about; those of a task that is not known fit anything."""
    return _WORDS.get(task, SampleWords('sample'))


def sample_size(shape: Sequence[int]) -> str:
    """The shape of a sample: ``3x64x64``, or ``8 frames of 3x64x64``.

    Args:
        shape: (channels, height, width), or (frames, channels, height, width).
    """
    *frames, channels, height, width = shape
    size = f'{channels}x{height}x{width}'
    if not frames:
        return size
    return f'{frames[0]} frames of {size}' if frames[0] != 1 else f'1 frame of {size}'


def input_size(model: ModelResult) -> str:
    """The size of a model's samples, and how many views of a video that is."""
    size, views = sample_size(model.input_shape), _views(model)
    return f'{size}: {views} views of {model.frames_per_clip}' if views > 1 else size


def frames_finding(models: Sequence[ModelResult], names: Sequence[str]) -> str:
    """What the MACs of a video count; empty where the samples are images.

    Args:
        models: Tested on the same samples, so that all are given as many frames.
        names: One per model.
    """
    shape = models[0].input_shape
    if len(shape) != 4:
        return ''
    said = f'MACs per video count {"all " if shape[0] > 1 else ""}{sample_size(shape)}'
    # A network that sees every frame by itself does not care how they are grouped.
    views = [
        (name, _views(model), model.frames_per_clip)
        for name, model in zip(names, models, strict=True)
        if model.frames_per_clip > 1
    ]
    several = [view for view in views if view[1] > 1]
    if not several:
        return said
    if len({view[1:] for view in views}) == 1:
        told = '{1} views of {2}'.format(*several[0])
    else:
        told = ', '.join('{1} views of {2} for {0}'.format(*view) for view in several)
    return f'{said}: {told} (test-time clips and crops multiply the cost)'


def _views(model: ModelResult) -> int:
    return view_count(model.input_shape, model.frames_per_clip)
