"""The networks' backbones as OpenMMLab backbones."""

import copy
from typing import Any

from mmengine.model import BaseModule
from mmengine.registry import MODELS

from ..networks import DynPerceiverBackbone


@MODELS.register_module()
class DynPerceiver(DynPerceiverBackbone, BaseModule):
    """Dyn-Perceiver for ``mmpretrain.ImageClassifier``: returns every exit's feature.

    Args:
        arch: Feature branch, for example ``'regnety_800mf'``.
        init_cfg: As everywhere in OpenMMLab. A converted checkpoint is loaded with
            ``dict(type='Pretrained', checkpoint=PATH, prefix='backbone.')``.
        **settings: As in `DynPerceiverBackbone`.

    Example:
        >>> backbone = MODELS.build(dict(
        ...     type='DynPerceiver', arch='regnety_800mf', num_latents=128,
        ...     depth_factor=(1, 1, 1, 2)))
        >>> backbone.exit_channels  # what MultiExitHead takes as in_channels
        (144, 320, 784, 1104)
    """

    def __init__(self, arch: str, init_cfg: dict | list | None = None, **settings: Any):
        super().__init__(arch, **settings)
        self.init_cfg = copy.deepcopy(init_cfg)
