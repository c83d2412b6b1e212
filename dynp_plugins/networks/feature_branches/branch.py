"""What Dyn-Perceiver needs to know of a CNN: a stem, four stages and their widths."""

from collections.abc import Mapping, Sequence
from typing import Any

from torch import nn

from ...errors import UserError


class FeatureBranch(nn.Module):
    """A CNN cut into a stem and four stages.

    Args:
        stem: Images (B, 3, H, W) to the input of the first stage.
        stages: The four stages.
        channels: (C1, .., C4, C5): what enters stage 1 .. 4, and what the last stage returns.
        strides: Pixels of the image from one position to the next, behind stage 1 .. 4.
        head_settings: What the family's published classifiers have beyond linear layers, as
            keyword arguments of `DynPerceiverHeads`.
    """

    def __init__(
        self,
        stem: nn.Module,
        stages: Sequence[nn.Module],
        channels: Sequence[int],
        strides: Sequence[int],
        head_settings: Mapping[str, Any] | None = None,
    ):
        super().__init__()
        if (len(stages), len(channels), len(strides)) != (4, 5, 4):
            raise ValueError(
                'a feature branch has 4 stages, 5 widths and 4 strides, not '
                f'{len(stages)}, {len(channels)} and {len(strides)}'
            )
        self.stem = stem
        self.stages = nn.ModuleList(stages)
        self.channels = tuple(channels)
        self.strides = tuple(strides)
        self.head_settings = dict(head_settings or {})


def refuse_settings(arch: str, **settings: tuple[Any, Any, str]) -> None:
    """Refuse settings that a family does not have.

    Args:
        arch: Name of the CNN, for the message.
        **settings: By name: the value given, the only one there is, and what to do instead.

    Raises:
        UserError: One of them was given another value.
    """
    for name, (given, only, instead) in settings.items():
        if given != only:
            raise UserError(f'{arch} has no {name} (given: {given!r}); {instead}')
