"""Dyn-Perceiver's classifiers, joined by forward knowledge transfer.

Paper: "Dynamic Perceiver for Efficient Visual Recognition", arXiv 2306.11248, section 3.3.
"""

from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from .attention import init_linear_layers
from .contract import ExitHeads, check_exit_widths, check_num_classes, check_switches
from .dyn_perceiver import EXITS

_LEARNS_FROM = {'latent': 'early', 'merged': 'latent'}


class KnowledgeTransfer(nn.Sequential):
    """FKT: an earlier exit's logits (B, classes) as extra input (B, channels) of a later head."""

    def __init__(self, num_classes: int, channels: int):
        super().__init__(
            nn.Linear(num_classes, channels), nn.BatchNorm1d(channels), nn.ReLU(inplace=True)
        )


class DynPerceiverHeads(ExitHeads):
    """A classifier per exit; "latent" also reads the logits of "early", "merged" those of "latent".

    Args:
        in_channels: Width of each exit's feature, the backbone's ``exit_channels``.
        num_classes: Number of classes.
        exit_names: The backbone's exits.
        with_fkt: Whether logits are handed forward.
        hidden_channels: Width of a hidden layer in the classifiers of "feature" and "merged", as in
            MobileNet-v3; None for linear classifiers.
        hidden_dropout: Dropout behind the hidden layer.
        feature_dropout: Dropout before the classifier of "feature".

    Raises:
        UserError: Widths and exits do not fit each other, or there are no classes.
    """

    def __init__(
        self,
        in_channels: Sequence[int],
        num_classes: int,
        exit_names: Sequence[str] = EXITS,
        with_fkt: bool = True,
        hidden_channels: int | None = None,
        hidden_dropout: float = 0.0,
        feature_dropout: float = 0.0,
    ):
        super().__init__()
        check_num_classes(num_classes)
        check_switches(with_fkt=with_fkt)
        check_exit_widths(in_channels, exit_names)
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
            layers = [nn.Linear(width, num_classes)]
            if hidden_channels is not None and name in ('feature', 'merged'):
                layers = [
                    nn.Linear(width, hidden_channels),
                    nn.Hardswish(),
                    nn.Dropout(hidden_dropout),
                    nn.Linear(hidden_channels, num_classes),
                ]
            if name == 'merged':
                layers.insert(0, nn.BatchNorm1d(width))
            self.classifiers[name] = layers[0] if len(layers) == 1 else nn.Sequential(*layers)
        self.feature_dropout = feature_dropout
        init_linear_layers(self)

    def step(self, k: int, feature: Tensor, previous_logits: Sequence[Tensor]) -> Tensor:
        """See `ExitHeads.step`."""
        name = self.exit_names[k]
        if name in self.fkt:
            source = self.exit_names.index(_LEARNS_FROM[name])
            feature = torch.cat([feature, self.fkt[name](previous_logits[source])], 1)
        elif name == 'feature':
            feature = F.dropout(feature, self.feature_dropout, self.training)
        return self.classifiers[name](feature)
