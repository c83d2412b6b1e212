"""The head of a multi-exit classifier: logits, losses and predictions of all exits."""

from collections.abc import Sequence
from typing import Any

import torch
from mmengine.model import BaseModule
from mmengine.registry import MODELS
from mmpretrain.structures import DataSample
from torch import Tensor

from ..errors import UserError
from ..networks import ConvExitHeads, DynPerceiverHeads, ExitHeads

for _heads in (DynPerceiverHeads, ConvExitHeads):
    MODELS.register_module(module=_heads)


@MODELS.register_module()
class MultiExitHead(BaseModule):
    """Head of ``mmpretrain.ImageClassifier`` for a backbone that returns one feature per exit.

    Args:
        num_classes: Number of classes.
        in_channels: Width of each exit's feature, the backbone's ``exit_channels``.
        heads: Config of the `ExitHeads`: ``DynPerceiverHeads`` (the default), ``ConvExitHeads`` for
            MSDNet and RANet, ``StaticHeads``. ``num_classes`` and ``in_channels`` are passed on.
        loss: Config of the loss over all exits.
        init_cfg: As everywhere in OpenMMLab.

    Example:
        >>> head = dict(type='MultiExitHead', num_classes=1000, in_channels=(144, 320, 784, 1104))
    """

    heads: ExitHeads
    config_entry = 'model.head'

    def __init__(
        self,
        num_classes: int,
        in_channels: Sequence[int],
        heads: dict | None = None,
        loss: dict | None = None,
        init_cfg: dict | None = None,
    ):
        super().__init__(init_cfg)
        self.num_classes = num_classes
        self.heads = MODELS.build(
            dict(
                heads or dict(type='DynPerceiverHeads'),
                num_classes=num_classes,
                in_channels=in_channels,
            )
        )
        self.loss_module = MODELS.build(loss or dict(type='MultiExitLoss'))

    def forward(self, feats: Sequence[Tensor]) -> tuple[Tensor, ...]:
        """Features of all exits to logits of all exits, one (B, num_classes) per exit.

        Logits are float32 at the least, and so are the losses, averages and softmax made of them:
        under autocast the classifiers may run in half precision.

        Raises:
            UserError: The backbone offers other widths than ``in_channels``.
        """
        widths = tuple(feature.shape[1] for feature in feats)
        if widths != self.heads.in_channels:
            raise UserError(
                f'the head is configured with in_channels={self.heads.in_channels}, but the '
                f"backbone's exits are {widths} wide: set {self.config_entry}.in_channels={widths}"
            )
        return tuple(
            logits.to(torch.promote_types(logits.dtype, torch.float32))
            for logits in self.heads(feats)
        )

    def loss(
        self, feats: Sequence[Tensor], data_samples: list[DataSample], **settings: Any
    ) -> dict[str, Tensor]:
        """Losses by name; the training loop adds up all of them.

        Raises:
            UserError: A recognizer of videos passes settings on.
        """
        if 'num_segs' in settings:
            raise UserError(
                'MultiExitHead is for pictures: in mmaction.Recognizer2D, use '
                "cls_head=dict(type='MultiExitVideoHead', ...)"
            )
        return self.losses(self(feats), data_samples)

    def predict(
        self, feats: Sequence[Tensor], data_samples: list[DataSample] | None = None
    ) -> list[DataSample]:
        """Fill the data samples from the last exit and keep the scores of all exits.

        Each sample gets ``pred_score`` and ``pred_label`` of the last exit, ``exit_scores``
        (exits, num_classes), the softmax of every exit, and ``exit_names`` as meta information.
        """
        if data_samples is None:
            data_samples = [DataSample() for _ in feats[0]]
        return self.predictions(self(feats), data_samples)

    def losses(self, logits: Sequence[Tensor], data_samples: list) -> dict[str, Tensor]:
        """Losses by name, of the logits (B, num_classes) of every exit."""
        # Mixup and CutMix leave class probabilities, mmaction2's in place of the label.
        name = 'gt_score' if 'gt_score' in data_samples[0] else 'gt_label'
        targets = [sample.get(name) for sample in data_samples]
        target = torch.stack(targets) if targets[0].is_floating_point() else torch.cat(targets)
        return self.loss_module(logits, target, self.heads.exit_names)

    def predictions(self, logits: Sequence[Tensor], data_samples: list) -> list:
        """The data samples, filled from the logits (B, num_classes) of every exit."""
        scores = torch.stack(tuple(logits), 1).float().softmax(-1)  # (B, exits, classes)
        for sample, exit_scores in zip(data_samples, scores, strict=True):
            sample.set_pred_score(exit_scores[-1]).set_pred_label(exit_scores[-1].argmax())
            sample.set_field(exit_scores, 'exit_scores')
            sample.set_metainfo({'exit_names': self.heads.exit_names})
        return data_samples
