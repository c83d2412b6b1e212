"""A network with its weights, and what it needs to be given samples and understood."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor

from ..early_exit import CompiledSteps, ExitPolicy
from ..errors import UserError
from ..networks import MultiExitNetwork
from .preprocessing import Preprocessing
from .sample_kinds import Sample, SampleKind


@dataclass(frozen=True)
class LoadedModel:
    """A network ready to be used.

    Attributes:
        name: As exit tables call the model.
        kind: What it answers: pictures, or videos.
        network: In eval mode, on its device.
        prepare: Reads a sample and makes it (channels, height, width) or, of a video, (frames,
            channels, height, width), on the CPU.
        to_network: Turns a batch of them into what `fold_frames` takes, on the network's device.
        classes: Names of the classes; None if nobody says them.
        num_classes: Number of classes; None if it cannot be told before the first sample.
        weights_sha256: Hash of the weights, as exit tables and policies name it.
        preprocessing: Gives `prepare` and `to_network` as data.

            Raises:
                UserError: They cannot be written down; the message says why.
        exit_gmacs: GMACs up to each exit; None where it is to be counted, or not known.
        policy: The policy to follow unless another is given; see `DynamicInferencer`.
        budget_gmacs: The budget to begin with under that policy.
        chosen: Where ``policy`` is an exit table, what was chosen from it for that budget.
    """

    name: str
    kind: SampleKind
    network: MultiExitNetwork | CompiledSteps
    prepare: Callable[[Sample], Tensor]
    to_network: Callable[[Tensor], Tensor]
    classes: tuple[str, ...] | None
    num_classes: int | None
    weights_sha256: str
    preprocessing: Callable[[], Preprocessing]
    exit_gmacs: Sequence[float] | None = None
    policy: ExitPolicy | Path | None = None
    budget_gmacs: float | None = None
    chosen: ExitPolicy | None = None

    def __post_init__(self) -> None:
        check_name_count(self.classes, self.num_classes)


def check_name_count(classes: tuple[str, ...] | None, num_classes: int | None) -> None:
    """Compare names of classes with the number of classes of a network, where both are known.

    Raises:
        UserError: There are more or fewer.
    """
    if classes is not None and num_classes not in (None, len(classes)):
        raise UserError(
            f'{len(classes)} class names ({", ".join(classes[:5])}, ...) for a network with '
            f'{num_classes} classes: give classes=[...] with one for each'
        )


def choose_device(device: str | torch.device | None) -> torch.device:
    """The device asked for; a GPU if there is one and nothing is asked for.

    Raises:
        UserError: It cannot be used here.
    """
    chosen = device or ('cuda' if torch.cuda.is_available() else 'cpu')
    try:
        return torch.zeros(1, device=chosen).device
    except (RuntimeError, AssertionError) as error:
        raise UserError(f'device {chosen} cannot be used: {error}') from error


def as_names(classes: Sequence[str] | None) -> tuple[str, ...] | None:
    """Class names as a tuple.

    Raises:
        UserError: They are one text instead of several.
    """
    if isinstance(classes, str):
        raise UserError(f'classes={classes!r}: give a list of names, one for each class')
    return None if classes is None else tuple(map(str, classes))
