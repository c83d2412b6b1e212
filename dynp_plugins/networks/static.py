"""Any ordinary classifier as a network with one exit, by a name such as ``static:timm/levit_128``.

The classifiers are those of other libraries, with their own names, settings and initial weights;
`static_libraries` says how torchvision and timm build theirs.
"""

import difflib
from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from typing import Any

import torch
from torch import Tensor, nn

from ..errors import UserError
from .contract import (
    ExitBackbone,
    ExitHeads,
    MultiExitNetwork,
    State,
    check_images,
    check_num_classes,
)
from .legal_sizes import size_complaint
from .static_libraries import Classifier, StaticLibrary, TimmLibrary, TorchvisionLibrary

STATIC_PREFIX = 'static:'
_LIBRARIES: dict[str, Callable[[], StaticLibrary]] = {
    'torchvision': TorchvisionLibrary,
    'timm': TimmLibrary,
}


def add_static_library(name: str, library: Callable[[], StaticLibrary]) -> None:
    """Make ``static:NAME/...`` build classifiers of a further library.

    Args:
        name: The part of the name between ``static:`` and the slash.
        library: Called when the first name of the library is asked for.
    """
    _LIBRARIES[name] = library


class StaticBackbone(ExitBackbone):
    """A whole classifier, its last layer included: the one exit's "feature" are its logits.

    Args:
        classifier: Takes images (B, channels, H, W) and gives logits (B, classes), or a named tuple
            that holds them as ``logits``; whatever else is in it, such as the answers of auxiliary
            classifiers, is left out.
        num_classes: Number of classes.
        name: What to call it in messages.
        other_size: The setting that builds it for other image sizes, for messages.
        image_size: Side of the square images that it was designed for.
        channels: Channels of the images that it takes.

    Example:
        >>> network = MultiExitNetwork(StaticBackbone(my_cnn, 10), StaticHeads((10,), 10))
    """

    exit_names = ('final',)
    # Some classifiers flatten with view, as mmpretrain's VGG does.
    memory_format = torch.contiguous_format

    def __init__(
        self,
        classifier: nn.Module,
        num_classes: int,
        name: str = '',
        other_size: str = '',
        image_size: int = 224,
        channels: int = 3,
    ):
        super().__init__()
        self.network = classifier
        self.exit_channels = (num_classes,)
        self.name = name or type(classifier).__name__
        self.other_size = other_size
        self.image_size = image_size
        self.channels = channels

    def start(self, images: Tensor) -> State:
        check_images(images, self.channels)
        return {'images': images}

    def step(self, k: int, state: State) -> tuple[State, Tensor]:
        """Run the classifier; see `ExitBackbone.step`.

        Raises:
            UserError: The classifier cannot take images of this size (the legal ones are named), or
                what it returns are no logits (B, num_classes).
        """
        images = state['images']
        try:
            logits = self.network(images)
        except UserError:
            raise
        except Exception as error:
            complaint = size_complaint(self.network, images, self.other_size, self.image_size)
            if complaint is None:
                raise
            raise UserError(f'{self.name} {complaint}') from error
        logits = getattr(logits, 'logits', logits)
        expected = (images.shape[0], *self.exit_channels)
        if not isinstance(logits, Tensor) or logits.shape != expected:
            raise UserError(
                f'{self.name} must return logits of shape {expected}, but it returned '
                f'{_describe(logits)}'
            )
        return state, logits


class StaticHeads(ExitHeads):
    """Hands the logits of a `StaticBackbone` on; it has no weights.

    Args:
        in_channels: ``(num_classes,)``.
        num_classes: Number of classes.
        exit_names: The one exit.

    Raises:
        UserError: The logits are not ``num_classes`` wide.
    """

    def __init__(
        self,
        in_channels: Sequence[int],
        num_classes: int,
        exit_names: Sequence[str] = StaticBackbone.exit_names,
    ):
        super().__init__()
        if tuple(in_channels) != (num_classes,):
            raise UserError(
                f'in_channels={tuple(in_channels)} does not fit num_classes={num_classes}: a '
                f'static network brings its own classifier, so that in_channels is ({num_classes},)'
            )
        self.in_channels = tuple(in_channels)
        self.exit_names = tuple(exit_names)

    def step(self, k: int, feature: Tensor, previous_logits: Sequence[Tensor]) -> Tensor:
        return feature


def static_network(name: str, **settings: Any) -> MultiExitNetwork:
    """The network called ``name``, with fresh weights; see `build_static_classifier`."""
    backbone = StaticBackbone(**build_static_classifier(name, **settings)._asdict())
    return MultiExitNetwork(backbone, StaticHeads(backbone.exit_channels, *backbone.exit_channels))


def build_static_classifier(name: str, **settings: Any) -> Classifier:
    """Build a classifier of another library; nothing is ever downloaded.

    Args:
        name: ``static:LIBRARY/NAME``, where ``static:`` may be left out.
        **settings: ``num_classes``, and what the library's own builder takes.

    Raises:
        UserError: Unknown library, name or setting, or a library that is not installed.
    """
    library_name, _, model = name.removeprefix(STATIC_PREFIX).partition('/')
    valid = ', '.join(f'{STATIC_PREFIX}{library}/NAME' for library in _LIBRARIES)
    if library_name not in _LIBRARIES:
        raise UserError(f'unknown library {library_name!r} in {name!r}; valid are {valid}')
    library = _LIBRARIES[library_name]()
    if not library.knows(model):
        close = closest_names(model, library.names())
        raise UserError(
            f'{library_name} has no classifier {model!r}; the closest names are '
            + ', '.join(f'{STATIC_PREFIX}{library_name}/{found}' for found in close)
        )
    check_num_classes(settings.get('num_classes', 1))
    return library.build(model, f'{STATIC_PREFIX}{library_name}/{model}', settings)


def closest_names(name: str, known: Iterable[str]) -> list[str]:
    """The three names most like ``name``; capitals and small letters count as the same."""
    by_lower = {candidate.lower(): candidate for candidate in known}
    close = difflib.get_close_matches(name.lower(), by_lower, n=3, cutoff=0)
    return [by_lower[found] for found in close]


def static_namesakes(name: str) -> list[str]:
    """The static networks of torchvision and, where it is installed, timm that ``name`` may mean.

    Args:
        name: Such as ``resnet50`` or ``timm/levit_128``, which say too little for `create_model`.
    """
    library_name, _, model = name.lower().removeprefix(STATIC_PREFIX).rpartition('/')
    namesakes = []
    for candidate in ('torchvision', 'timm'):
        if library_name not in ('', candidate):
            continue
        with suppress(UserError):  # not installed
            if model in _LIBRARIES[candidate]().names():
                namesakes.append(f'{STATIC_PREFIX}{candidate}/{model}')
    return namesakes


def _describe(output: Any) -> str:
    """What a classifier returned, in words."""
    if isinstance(output, Tensor):
        return f'one of shape {tuple(output.shape)}'
    if isinstance(output, tuple | list):
        return f'{len(output)} things: ' + ', '.join(map(_describe, output))
    return f'a {type(output).__name__}'
