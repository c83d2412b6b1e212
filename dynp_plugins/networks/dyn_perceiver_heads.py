"""Dyn-Perceiver's classifiers, joined by forward knowledge transfer.

Paper: "Dynamic Perceiver for Efficient Visual Recognition", arXiv 2306.11248, section 3.3.
"""

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from ..errors import UserError
from .attention import init_linear_layers
from .contract import ExitHeads
from .dyn_perceiver import EXITS

_LEARNS_FROM = {'latent': 'early', 'merged': 'latent'}


class KnowledgeTransfer(nn.Sequential):
    """FKT: an earlier exit's logits (B, classes) as extra input (B, channels) of a later head."""

    def __init__(self, num_classes: int, channels: int):
        super().__init__(
            nn.Linear(num_classes, channels), nn.BatchNorm1d(channels), nn.ReLU(inplace=True)
        )


class DynPerceiverHeads(ExitHeads):
    """Linear classifiers; "latent" also reads the logits of "early", "merged" those of "latent".

    Args:
        in_channels: Width of each exit's feature, the backbone's ``exit_channels``.
        num_classes: Number of classes.
        exit_names: The backbone's exits.
        with_fkt: Whether logits are handed forward.

    Raises:
        UserError: Widths and exits do not fit each other, or there are no classes.
    """

    def __init__(
        self,
        in_channels: Sequence[int],
        num_classes: int,
        exit_names: Sequence[str] = EXITS,
        with_fkt: bool = True,
    ):
        super().__init__()
        if not isinstance(num_classes, int) or num_classes < 1:
            raise UserError(f'num_classes={num_classes!r}: give a whole number of at least 1')
        if len(in_channels) != len(exit_names):
            raise UserError(
                f'in_channels={tuple(in_channels)} has {len(in_channels)} widths, but the exits '
                f'are {tuple(exit_names)}: give one width for each exit'
            )
        self.exit_names = tuple(exit_names)
        self.in_channels = tuple(in_channels)
        channels = dict(zip(exit_names, in_channels, strict=True))
        self.fkt = nn.ModuleDict()
        if with_fkt:
            for name, source in _LEARNS_FROM.items():
                if name in channels and source in channels:
                    self.fkt[name] = KnowledgeTransfer(num_classes, channels['latent'])
        self.classifiers = nn.ModuleDict()
        for name, width in channels.items():
            if name in self.fkt:
                width += channels['latent']
            linear = nn.Linear(width, num_classes)
            self.classifiers[name] = (
                nn.Sequential(nn.BatchNorm1d(width), linear) if name == 'merged' else linear
            )
        init_linear_layers(self)

    def step(self, k: int, feature: Tensor, previous_logits: Sequence[Tensor]) -> Tensor:
        """See `ExitHeads.step`."""
        name = self.exit_names[k]
        if name in self.fkt:
            source = self.exit_names.index(_LEARNS_FROM[name])
            feature = torch.cat([feature, self.fkt[name](previous_logits[source])], 1)
        return self.classifiers[name](feature)
