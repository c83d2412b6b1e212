"""The networks' backbones as OpenMMLab backbones: they return every exit's feature."""

import copy
import inspect
from typing import Any

from mmengine.model import BaseModule
from mmengine.registry import MODELS
from torch import nn

from ..checkpoints import check_weights, feature_branch_of, read_checkpoint
from ..errors import UserError
from ..networks import DynPerceiverBackbone, MSDNetBackbone, RANetBackbone


class OpenMMLabOptions:
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
            UserError: A file cannot be read, or holds neither the weights of the whole backbone nor
                those of its feature branch.
        """
        entries = self.init_cfg if isinstance(self.init_cfg, list) else [self.init_cfg]
        for entry in entries:
            if entry and entry['type'] == 'Pretrained' and '://' not in entry['checkpoint']:
                check_backbone_weights(self, entry['checkpoint'], entry.get('prefix') or '')
        super().init_weights()


def check_backbone_weights(backbone: nn.Module, path: str, prefix: str) -> None:
    """Check that a file's weights below ``prefix`` are a backbone's, or its feature branch's.

    Raises:
        UserError: They are not, or there are none.
    """
    found = {
        f'backbone.{key.removeprefix(prefix)}': value
        for key, value in read_checkpoint(path).state_dict.items()
        if key.startswith(prefix)
    }
    if not found:
        raise UserError(
            f"{path} holds no weights below prefix={prefix!r}; ours lie below 'backbone.'"
        )
    expected = {f'backbone.{key}': value for key, value in backbone.state_dict().items()}
    if len(feature_branch_of(found)) == len(found):
        expected = feature_branch_of(expected)
    check_weights(expected, found, path)


@MODELS.register_module()
class DynPerceiver(OpenMMLabOptions, DynPerceiverBackbone, BaseModule):
    """Dyn-Perceiver for ``mmpretrain.ImageClassifier``; settings as in `DynPerceiverBackbone`.

    Example:
        >>> backbone = MODELS.build(dict(
        ...     type='DynPerceiver', arch='regnety_800mf', num_latents=128,
        ...     depth_factor=(1, 1, 1, 2)))
        >>> backbone.exit_channels  # what MultiExitHead takes as in_channels
        (144, 320, 784, 1104)
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
