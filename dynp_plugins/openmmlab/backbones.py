"""The networks' backbones as OpenMMLab backbones: they return every exit's feature."""

import copy
from typing import Any

from mmengine.model import BaseModule
from mmengine.registry import MODELS

from ..networks import DynPerceiverBackbone, MSDNetBackbone, RANetBackbone


class _OpenMMLabOptions:
    """What every backbone takes in a config besides the network's own settings.

    Args:
        init_cfg: As everywhere in OpenMMLab. A converted checkpoint is loaded with
            ``dict(type='Pretrained', checkpoint=PATH, prefix='backbone.')``.
        rescale_gradients: Gradient rescaling across exits, see `ExitBackbone`.
        **settings: The network's settings.
    """

    def __init__(
        self,
        *args: Any,
        init_cfg: dict | list | None = None,
        rescale_gradients: bool = False,
        **settings: Any,
    ):
        super().__init__(*args, **settings)
        self.init_cfg = copy.deepcopy(init_cfg)
        self.rescale_gradients = rescale_gradients


@MODELS.register_module()
class DynPerceiver(_OpenMMLabOptions, DynPerceiverBackbone, BaseModule):
    """Dyn-Perceiver for ``mmpretrain.ImageClassifier``; settings as in `DynPerceiverBackbone`.

    Example:
        >>> backbone = MODELS.build(dict(
        ...     type='DynPerceiver', arch='regnety_800mf', num_latents=128,
        ...     depth_factor=(1, 1, 1, 2)))
        >>> backbone.exit_channels  # what MultiExitHead takes as in_channels
        (144, 320, 784, 1104)
    """


@MODELS.register_module()
class MSDNet(_OpenMMLabOptions, MSDNetBackbone, BaseModule):
    """MSDNet for ``mmpretrain.ImageClassifier``; settings as in `MSDNetBackbone`.

    Its head is ``dict(type='MultiExitHead', heads=dict(type='ConvExitHeads', ...))``.
    """


@MODELS.register_module()
class RANet(_OpenMMLabOptions, RANetBackbone, BaseModule):
    """RANet for ``mmpretrain.ImageClassifier``; settings as in `RANetBackbone`.

    Its head is ``dict(type='MultiExitHead', heads=dict(type='ConvExitHeads', ...))``.
    """
