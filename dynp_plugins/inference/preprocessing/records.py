"""What is done to a sample before a network sees it, as data."""

from dataclasses import dataclass

from .geometry import OperationRecord


@dataclass(frozen=True)
class PictureReading:
    """How pictures are read.

    Attributes:
        decoder: Of files, ``pillow`` or ``cv2``.
        bgr: Whether pixels are in BGR order from then on.
        grey: Whether they have one channel.
        float32: Whether they are of float32 from then on.
        canvas: Colour (R, G, B) put behind the transparent parts of grey files; None leaves
            transparency out.
    """

    decoder: str = 'pillow'
    bgr: bool = False
    grey: bool = False
    float32: bool = False
    canvas: list[int] | None = None


@dataclass(frozen=True)
class VideoReading:
    """How frames of videos are chosen and read; they are in RGB order from then on.

    Attributes:
        num_clips: Clips of a video, at equal distances.
        clip_len: Frames of each.
        frame_interval: From each frame of a clip to the next.
        twice_sample: Whether so many clips again are taken, at other places.
        out_of_bound_opt: ``loop`` or ``repeat_last``, where a video is too short.
        target_fps: Rate that clips are taken at; None for that of the file.
        shuffle_seed: The frames come in an order that follows from this and the file's name; None
            leaves them as they are.
        shuffle_group: So many of them stay together.
        folders: Whether videos are folders of frames instead of files.
        filename_tmpl: Names of these frames.
        start_index: Number of the first.
    """

    num_clips: int = 1
    clip_len: int = 1
    frame_interval: int = 1
    twice_sample: bool = False
    out_of_bound_opt: str = 'loop'
    target_fps: float | None = None
    shuffle_seed: int | None = None
    shuffle_group: int | None = None
    folders: bool = False
    filename_tmpl: str = 'img_{:05}.jpg'
    start_index: int = 0


@dataclass(frozen=True)
class Normalisation:
    """From pixels to what the network takes.

    Attributes:
        reverse_channels: Whether three channels are turned round first.
        divisor: What pixels are divided by before all else.
        mean, std: By channel; None leaves them as they are.
        pad_divisor: Height and width are filled up, at the bottom and right, to multiples of it.
        pad_value: With this.
    """

    reverse_channels: bool = False
    divisor: float | None = None
    mean: list[float] | None = None
    std: list[float] | None = None
    pad_divisor: int = 1
    pad_value: float = 0.0


@dataclass(frozen=True)
class Preprocessing:
    """All of it, in order.

    Attributes:
        picture: How pictures are read; None for videos.
        video: How videos are read; None for pictures.
        operations: On the pixels of the picture, or of every frame.
        normalisation: At last.
    """

    picture: PictureReading | None
    video: VideoReading | None
    operations: list[OperationRecord]
    normalisation: Normalisation
