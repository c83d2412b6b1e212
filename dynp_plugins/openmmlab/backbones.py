"""The networks' backbones as OpenMMLab backbones: they return every exit's feature, or maps."""

import copy
import inspect
import logging
from typing import Any

from mmengine.logging import print_log
from mmengine.model import BaseModule
from mmengine.registry import MODELS

from ..errors import UserError
from ..networks import DynPerceiverBackbone, MSDNetBackbone, RANetBackbone
from . import initial_weights  # noqa: F401  (registers InitialWeights)


class OpenMMLabOptions:
    """What every backbone takes in a config besides the network's own settings.

    Args:
        init_cfg: As everywhere in OpenMMLab. A converted checkpoint is loaded with
            ``dict(type='Pretrained', checkpoint=PATH, prefix='backbone.')``, strictly.
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
        known = inspect.signature(super().__init__).parameters
        unknown = [name for name in settings if name not in known]
        if unknown and all(p.kind is not p.VAR_KEYWORD for p in known.values()):
            raise UserError(
                f'{type(self).__name__} has no setting {unknown[0]!r}; valid are '
                f'{", ".join([*known, "init_cfg", "rescale_gradients"])}'
            )
        super().__init__(*args, **settings)
        self.init_cfg = copy.deepcopy(init_cfg)
        self.rescale_gradients = rescale_gradients

    def init_weights(self) -> None:
        """Initialise as ``init_cfg`` says; weights of a file must fit, or none are loaded.

        Raises:
            UserError: See `InitialWeights`.
        """
        init_cfg = self.init_cfg
        entries = init_cfg if isinstance(init_cfg, list) else [init_cfg] if init_cfg else []
        entries = [
            entry | dict(type='InitialWeights') if _is_file(entry) else entry for entry in entries
        ]
        # As in mmengine, what a file holds replaces what other entries do.
        self.init_cfg = sorted(entries, key=lambda entry: entry['type'] == 'InitialWeights')
        if getattr(self, 'frozen_stages', -1) >= 0 and not any(
            entry['type'] in ('InitialWeights', 'Pretrained') for entry in self.init_cfg
        ):
            print_log(
                f'frozen_stages={self.frozen_stages} without init_cfg keeps random weights fixed, '
                'unless all weights are loaded from a checkpoint: set frozen_stages=-1',
                logger='current',
                level=logging.WARNING,
            )
        super().init_weights()
        self.init_cfg = init_cfg


def _is_file(entry: dict) -> bool:
    """Whether an entry of ``init_cfg`` names a file of weights, and no address."""
    return entry['type'] == 'Pretrained' and '://' not in entry['checkpoint']


@MODELS.register_module()
class DynPerceiver(OpenMMLabOptions, DynPerceiverBackbone, BaseModule):
    """Dyn-Perceiver for the models of mmpretrain, mmaction2 and mmdet.

    Settings are those of `DynPerceiverBackbone`: with ``out_indices`` it is a backbone of feature
    maps, else one of exits.

    Example:
        >>> backbone = MODELS.build(dict(
        ...     type='DynPerceiver', arch='regnety_800mf', num_latents=128,
        ...     depth_factor=(1, 1, 1, 2)))
        >>> backbone.exit_channels  # what MultiExitHead takes as in_channels
        (144, 320, 784, 1104)
        >>> backbone = MODELS.build(dict(
        ...     type='DynPerceiver', arch='regnety_800mf', out_indices=(1, 2, 3)))
        >>> backbone.out_channels, backbone.out_strides  # the first, mmdet.FPN takes as in_channels
        ((144, 320, 784), (8, 16, 32))
    """


@MODELS.register_module()
class MSDNet(OpenMMLabOptions, MSDNetBackbone, BaseModule):
    """MSDNet for ``mmpretrain.ImageClassifier``; settings as in `MSDNetBackbone`.

    Its head is ``dict(type='MultiExitHead', heads=dict(type='ConvExitHeads', ...))``.
    """


@MODELS.register_module()
class RANet(OpenMMLabOptions, RANetBackbone, BaseModule):
    """RANet for ``mmpretrain.ImageClassifier``; settings as in `RANetBackbone`.

    Its head is ``dict(type='MultiExitHead', heads=dict(type='ConvExitHeads', ...))``.
    """
