"""What is done to the pixels of a picture or a frame; each computes what its namesake does.

The results equal those of mmcv, mmpretrain and mmaction2 to the last bit, where the same version of
Pillow or OpenCV resizes.
"""

import importlib
from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from types import ModuleType
from typing import Any, Protocol

import numpy as np
from PIL import Image

from ...errors import UserError
from ...typed_json import parse

_PILLOW = {
    'nearest': Image.Resampling.NEAREST,
    'bilinear': Image.Resampling.BILINEAR,
    'bicubic': Image.Resampling.BICUBIC,
    'box': Image.Resampling.BOX,
    'lanczos': Image.Resampling.LANCZOS,
    'hamming': Image.Resampling.HAMMING,
}
_OPENCV = {
    'nearest': 'INTER_NEAREST',
    'bilinear': 'INTER_LINEAR',
    'bicubic': 'INTER_CUBIC',
    'area': 'INTER_AREA',
    'lanczos': 'INTER_LANCZOS4',
}
_METHODS = {'pillow': _PILLOW, 'cv2': _OPENCV}
_EDGES = ('short', 'long', 'width', 'height')


class Operation(Protocol):
    """Pixels (H, W) or (H, W, channels) to others."""

    def __call__(self, pixels: np.ndarray) -> np.ndarray:
        """Do it."""


@dataclass(frozen=True)
class Interpolation:
    """How pixels between pixels are found.

    Attributes:
        backend: What computes them, ``cv2`` or ``pillow``; their results differ slightly.
        method: Such as ``bilinear``, as mmcv calls them.

    Raises:
        UserError: There is no such backend or method, or OpenCV is not installed.
    """

    backend: str = 'cv2'
    method: str = 'bilinear'

    def __post_init__(self) -> None:
        methods = _METHODS.get(self.backend)
        if methods is None:
            raise UserError(f'backend={self.backend!r}: pictures are resized by cv2 or pillow')
        if self.method not in methods:
            raise UserError(
                f'interpolation={self.method!r}: with {self.backend} choose one of '
                + ', '.join(methods)
            )
        if self.backend == 'cv2':
            opencv()  # rather now than at every picture

    def resize(self, pixels: np.ndarray, width: int, height: int) -> np.ndarray:
        """The pixels in another size."""
        if self.backend == 'pillow':
            image = Image.fromarray(pixels)
            return np.array(image.resize((width, height), _PILLOW[self.method]))
        cv2 = opencv()
        code = getattr(cv2, _OPENCV[self.method])
        return cv2.resize(pixels, (width, height), interpolation=code)


@dataclass(frozen=True)
class ResizeEdge:
    """One edge to a length, the other in proportion and rounded down; as mmpretrain's.

    Attributes:
        length: Of the edge, in pixels.
        edge: ``short``, ``long``, ``width`` or ``height``.
        interpolation: How.
    """

    length: int
    edge: str = 'short'
    interpolation: Interpolation = field(default_factory=Interpolation)

    def __post_init__(self) -> None:
        if self.edge not in _EDGES:
            raise UserError(f'edge={self.edge!r}: choose one of {", ".join(_EDGES)}')

    def __call__(self, pixels: np.ndarray) -> np.ndarray:
        height, width = pixels.shape[:2]
        sets_width = self.edge == 'width' or (
            width < height if self.edge == 'short' else self.edge == 'long' and width > height
        )
        if sets_width:
            size = self.length, int(self.length * height / width)
        else:
            size = int(self.length * width / height), self.length
        return self.interpolation.resize(pixels, *size)


@dataclass(frozen=True)
class ResizeTo:
    """To a size, whatever the proportions were."""

    width: int
    height: int
    interpolation: Interpolation = field(default_factory=Interpolation)

    def __call__(self, pixels: np.ndarray) -> np.ndarray:
        return self.interpolation.resize(pixels, self.width, self.height)


@dataclass(frozen=True)
class ResizeInto:
    """As large as fits, in proportion; as mmcv's ``rescale_size``.

    Attributes:
        shorter: Limit of the shorter side, in pixels.
        longer: Limit of the longer side; None for no limit.
        interpolation: How.
    """

    shorter: int
    longer: int | None
    interpolation: Interpolation = field(default_factory=Interpolation)

    def __call__(self, pixels: np.ndarray) -> np.ndarray:
        height, width = pixels.shape[:2]
        factor = self.shorter / min(height, width)
        if self.longer is not None:
            factor = min(self.longer / max(height, width), factor)
        size = int(width * factor + 0.5), int(height * factor + 0.5)
        return self.interpolation.resize(pixels, *size)


@dataclass(frozen=True)
class CropCentre:
    """The middle of a picture; all of it where it is smaller. As mmcv's ``CenterCrop``."""

    width: int
    height: int

    def __call__(self, pixels: np.ndarray) -> np.ndarray:
        top, left = (
            max(0, round((have - want) / 2))  # a half to the even neighbour
            for have, want in zip(pixels.shape, (self.height, self.width), strict=False)
        )
        return pixels[top : top + self.height, left : left + self.width]


@dataclass(frozen=True)
class CropFrameCentre:
    """The middle of a frame; as mmaction2's ``CenterCrop``, which rounds down.

    Raises:
        UserError: On a call, if the frame is smaller.
    """

    width: int
    height: int

    def __call__(self, pixels: np.ndarray) -> np.ndarray:
        height, width = pixels.shape[:2]
        if height < self.height or width < self.width:
            raise UserError(
                f'frames of {width}x{height} are too small to cut {self.width}x{self.height} out'
            )
        top, left = (height - self.height) // 2, (width - self.width) // 2
        return pixels[top : top + self.height, left : left + self.width]


_OPERATIONS: dict[str, Callable[..., Operation]] = {
    'resize_edge': ResizeEdge,
    'resize_to': ResizeTo,
    'resize_into': ResizeInto,
    'crop_centre': CropCentre,
    'crop_frame_centre': CropFrameCentre,
}


@dataclass(frozen=True)
class OperationRecord:
    """An operation on disk.

    Attributes:
        operation: Its name.
        settings: Its attributes.
    """

    operation: str
    settings: dict[str, Any]

    @classmethod
    def of(cls, operation: Operation) -> 'OperationRecord':
        """The record of an operation."""
        name = next(key for key, kind in _OPERATIONS.items() if kind is type(operation))
        return cls(name, asdict(operation))

    def load(self) -> Operation:
        """The operation.

        Raises:
            UserError: There is none of that name, or it has other settings.
        """
        if self.operation not in _OPERATIONS:
            raise UserError(
                f'the operation {self.operation!r} is not known, but {", ".join(_OPERATIONS)} are'
            )
        try:
            return parse(_OPERATIONS[self.operation], self.settings, self.operation)
        except UserError:
            raise
        except ValueError as error:
            raise UserError(str(error)) from error


def opencv() -> ModuleType:
    """OpenCV, which only some ways of making pictures ready need.

    Raises:
        UserError: It is not installed.
    """
    try:
        return importlib.import_module('cv2')
    except ImportError as error:
        raise UserError(
            f'pictures are made ready with OpenCV here, which cannot be imported ({error}): '
            'pip install opencv-python-headless'
        ) from error
