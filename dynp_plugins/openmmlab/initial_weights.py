"""Weights of a file that a backbone starts its training from, loaded strictly."""

import logging
from collections import Counter
from collections.abc import Mapping, Sequence

from mmengine.logging import print_log
from mmengine.model import update_init_info
from mmengine.registry import WEIGHT_INITIALIZERS
from torch import Tensor, nn

from ..checkpoints import check_weights, feature_branch_of, read_checkpoint
from ..checkpoints.loading import to_network_keys
from ..checkpoints.recognition import likely_settings
from ..errors import UserError
from ..networks.feature_maps import unbuilt_parts


@WEIGHT_INITIALIZERS.register_module()
class InitialWeights:
    """What our backbones do in place of mmengine's ``type='Pretrained'`` for a file.

    The weights may be all of the backbone's, or those of its feature branch. A backbone that is
    only built in part, for feature maps or without its latent branch, takes what it has; parts
    that it has must fit whole. The run's log says what of the file is not used; every tensor by its
    name with ``log_level='DEBUG'``.

    Args:
        checkpoint: A checkpoint of ours, such as ``tools/convert_checkpoint.py`` writes.
        prefix: Of the backbone's tensors in the file.
        map_location: As everywhere in OpenMMLab; weights are read to the CPU and copied.
    """

    def __init__(self, checkpoint: str, prefix: str | None = None, map_location: str = 'cpu'):
        self.path = checkpoint
        self.prefix = f'{prefix.removesuffix(".")}.' if prefix else ''

    def __call__(self, backbone: nn.Module) -> None:
        """Load the weights into one of our backbones, or none of them.

        Raises:
            UserError: The file cannot be read, or does not fit.
        """
        weights = read_checkpoint(self.path).state_dict
        unused = self._unused(backbone, weights)
        found = {
            f'backbone.{key.removeprefix(self.prefix)}': value
            for key, value in weights.items()
            if key not in unused
        }
        expected = {f'backbone.{key}': value for key, value in backbone.state_dict().items()}
        if len(feature_branch_of(found)) == len(found):
            expected = feature_branch_of(expected)
        check_weights(expected, found, self.path, lambda: _explain(weights))
        own = {name.removeprefix('backbone.'): value for name, value in found.items()}
        fresh = backbone.load_state_dict(own, strict=False).missing_keys
        self._log(backbone, len(found), unused, fresh)
        if hasattr(backbone, '_params_init_info'):
            update_init_info(backbone, f'InitialWeights: load from {self.path}')

    def _unused(self, backbone: nn.Module, weights: Mapping[str, Tensor]) -> dict[str, str]:
        """The keys that are not the backbone's or of what it has not built, and their part."""
        if not any(key.startswith(self.prefix) for key in weights):
            raise UserError(
                f'{self.path} holds no weights below prefix={self.prefix!r}; ours lie below '
                "'backbone.'"
            )
        unused, unbuilt = {}, unbuilt_parts(backbone)
        for key in weights:
            if not key.startswith(self.prefix):
                unused[key] = key.partition('.')[0]
                continue
            name = key.removeprefix(self.prefix)
            for part in unbuilt:
                if name == part or name.startswith(f'{part}.'):
                    unused[key] = f'{self.prefix}{part}'
        return unused

    def _log(
        self, backbone: nn.Module, used: int, unused: Mapping[str, str], fresh: Sequence[str]
    ) -> None:
        text = (
            f'{type(backbone).__name__}: {used} of the {used + len(unused)} tensors in {self.path} '
            'are its initial weights'
        )
        if unused:
            counts = Counter(unused.values())
            text += '; not used: ' + ', '.join(f'{part} ({n})' for part, n in counts.items())
        if fresh:
            parts = dict.fromkeys(key.partition('.')[0] for key in fresh)
            text += f'; not in the file, and fresh: {", ".join(parts)}'
        print_log(text, logger='current')
        if unused:
            print_log(
                f'Not used of {self.path}: {", ".join(unused)}',
                logger='current',
                level=logging.DEBUG,
            )
        fixed = {key for key, value in backbone.named_parameters() if not value.requires_grad}
        random = dict.fromkeys(key.partition('.')[0] for key in fresh if key in fixed)
        if random:
            print_log(
                f'frozen_stages={backbone.frozen_stages} keeps random weights fixed, unless all '
                f'weights are loaded from a checkpoint: {", ".join(random)}, not in {self.path}. '
                'Set frozen_stages=-1, or begin with a file that has them',
                logger='current',
                level=logging.WARNING,
            )


def _explain(weights: Mapping[str, Tensor]) -> str | None:
    """Which network the weights belong to, if its settings can be told from them."""
    settings = likely_settings(to_network_keys(weights))
    if settings is None:
        return None
    exceptions = ('exits', 'num_classes', 'with_fkt')  # of the heads
    texts = [f'{name}={value!r}' for name, value in settings.items() if name not in exceptions]
    return f'These are the weights of {", ".join(texts)}: give the backbone these settings'
