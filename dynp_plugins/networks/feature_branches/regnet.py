"""RegNet-Y feature branches, made of torchvision's building blocks.

Paper: "Designing Network Design Spaces", arXiv 2003.13678. The published sizes equal torchvision's
``regnet_y_*`` without their classifier; ``regnety_tiny`` is ours, for 64x64 images on a CPU.
"""

from itertools import accumulate
from operator import mul

import torch
from torch import nn
from torchvision.models.regnet import BlockParams, RegNet

from .branch import FeatureBranch, refuse_settings

_PUBLISHED = {
    'regnety_400mf': dict(depth=16, w_0=48, w_a=27.89, w_m=2.09, group_width=8),
    'regnety_800mf': dict(depth=14, w_0=56, w_a=38.84, w_m=2.4, group_width=16),
    'regnety_1.6gf': dict(depth=27, w_0=48, w_a=20.71, w_m=2.65, group_width=24),
    'regnety_3.2gf': dict(depth=21, w_0=80, w_a=42.63, w_m=2.66, group_width=24),
}


def _tiny_blocks() -> BlockParams:
    return BlockParams(
        depths=[1, 2, 2, 1],
        widths=[32, 48, 96, 160],
        group_widths=[16] * 4,
        bottleneck_multipliers=[1.0] * 4,
        strides=[2, 2, 1, 2],
        se_ratio=0.25,
    )


REGNETY_ARCHS = (*_PUBLISHED, 'regnety_tiny')


def regnety(arch: str, width: float = 1.0, drop_path_rate: float = 0.0) -> FeatureBranch:
    """Build the RegNet-Y branch named ``arch``, one of `REGNETY_ARCHS`.

    The published sizes halve the resolution in the stem and in each stage, to 1/32 in the end; the
    tiny one keeps it in stage 3, to 1/16 in the end.

    Args:
        arch: The name.
        width: Must be 1: the family has sizes instead of widths.
        drop_path_rate: Must be 0: these blocks have no stochastic depth.

    Raises:
        UserError: A setting that the family does not have.
    """
    refuse_settings(
        arch,
        width=(width, 1, f'choose a size instead: {", ".join(REGNETY_ARCHS)}'),
        drop_path_rate=(drop_path_rate, 0, 'leave it out'),
    )
    if arch == 'regnety_tiny':
        blocks, stem_width = _tiny_blocks(), 16
    else:
        with torch.device('cpu'):  # torchvision computes the widths with tensors
            blocks = BlockParams.from_init_params(se_ratio=0.25, **_PUBLISHED[arch])
        stem_width = 32
    network = RegNet(
        blocks,
        num_classes=1,  # the classifier is thrown away
        stem_width=stem_width,
        norm_layer=nn.BatchNorm2d,
        activation=nn.ReLU,
    )
    stem_stride = network.stem[0].stride[0]
    return FeatureBranch(
        network.stem,
        list(network.trunk_output),
        channels=(stem_width, *blocks.widths),
        strides=[stem_stride * stride for stride in accumulate(blocks.strides, mul)],
    )
