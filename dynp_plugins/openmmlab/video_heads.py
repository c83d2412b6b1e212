"""The head of a multi-exit video classifier: every exit's logits are averaged over the frames."""

from collections.abc import Sequence
from typing import Any

from mmengine.registry import MODELS
from torch import Tensor
from torch.nn import functional as F

from ..early_exit import group_consensus
from ..errors import UserError
from .heads import MultiExitHead


@MODELS.register_module()
class MultiExitVideoHead(MultiExitHead):
    """Head of ``mmaction.Recognizer2D`` for a backbone that returns one feature per exit and frame.

    Each exit's logits are averaged over all frames of a video (TSN, arXiv 1608.00859), those of
    several clips and crops included. Heads that hand logits forward do so frame by frame.

    Args:
        *args: As `MultiExitHead`.
        dropout_ratio: Dropout on every exit's feature in training.
        **kwargs: As `MultiExitHead`.

    Raises:
        UserError: A dropout ratio that is no probability below 1.

    Example:
        >>> model = dict(
        ...     type='mmaction.Recognizer2D',
        ...     backbone=dict(type='DynPerceiver', arch='resnet50', num_segments=8),
        ...     cls_head=dict(
        ...         type='MultiExitVideoHead', num_classes=174, dropout_ratio=0.5,
        ...         in_channels=(512, 1024, 2048, 3072)))
    """

    config_entry = 'model.cls_head'

    def __init__(self, *args: Any, dropout_ratio: float = 0.0, **kwargs: Any):
        super().__init__(*args, **kwargs)
        if not isinstance(dropout_ratio, int | float) or not 0 <= dropout_ratio < 1:
            raise UserError(
                f'dropout_ratio={dropout_ratio!r}: give a probability of at least 0, below 1'
            )
        self.dropout_ratio = dropout_ratio

    def forward(self, feats: Sequence[Tensor], num_segs: int = 1, **_: Any) -> tuple[Tensor, ...]:
        """Features of all exits to logits of all exits.

        Args:
            feats: Of every exit, the frames of a video one behind the other.
            num_segs: Frames of a video, all clips and crops included; mmaction2 tells it.

        Returns:
            (videos, num_classes) per exit.
        """
        feats = [F.dropout(feature, self.dropout_ratio, self.training) for feature in feats]
        return tuple(group_consensus(logits, num_segs) for logits in super().forward(feats))

    def loss(self, feats: Sequence[Tensor], data_samples: list, **kwargs: Any) -> dict[str, Tensor]:
        """Losses by name; mmaction2 passes ``num_segs`` and other settings of the recognizer on."""
        return self.losses(self(feats, **kwargs), data_samples)

    def predict(self, feats: Sequence[Tensor], data_samples: list, **kwargs: Any) -> list:
        """Fill the data samples, see `MultiExitHead.predict`; a sample is a video."""
        return self.predictions(self(feats, **kwargs), data_samples)
