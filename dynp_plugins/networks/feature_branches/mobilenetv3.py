"""MobileNet-v3-Large feature branches of any width: torchvision's network, cut into stages.

Paper: "Searching for MobileNetV3", arXiv 1905.02244. The last stage ends with the 1x1 convolution
that torchvision puts before the pooling. It has the third stage's stride, 32, as that halves the
resolution in its last block.
"""

import itertools

from torch import nn
from torchvision.models import mobilenet_v3_large

from ...errors import UserError
from .branch import FeatureBranch, refuse_settings

MOBILENETV3_WIDTHS = (0.5, 0.75, 1.0, 1.25, 1.5, 2.0)
"""The published widths; any other works as well."""

CUTS = (3, 5, 8, 14, 17)
"""Where torchvision's ``features`` are cut: a convolution, 15 inverted residuals, a convolution."""


def mobilenetv3(arch: str, width: float = 1.0, drop_path_rate: float = 0.0) -> FeatureBranch:
    """Build the MobileNet-v3-Large branch.

    Args:
        arch: ``'mobilenetv3'``.
        width: Multiplies every width, which is then rounded to a multiple of 8.
        drop_path_rate: Must be 0: these blocks have no stochastic depth.

    Raises:
        UserError: A setting that the family does not have.
    """
    refuse_settings(arch, drop_path_rate=(drop_path_rate, 0, 'leave it out'))
    if width < 0.1:
        raise UserError(f'width={width}: {arch} needs at least 0.1')
    network = mobilenet_v3_large(num_classes=1, width_mult=width)  # its classifier is not used
    layers = list(network.features)
    stages = [nn.Sequential(*layers[begin:end]) for begin, end in itertools.pairwise(CUTS)]
    hidden, _, dropout, _ = network.classifier
    return FeatureBranch(
        nn.Sequential(*layers[: CUTS[0]]),
        stages,
        channels=[layers[cut].block[0][0].in_channels for cut in CUTS[:4]]
        + [layers[-1].out_channels],
        strides=(8, 16, 32, 32),
        head_settings=dict(hidden_channels=hidden.out_features, hidden_dropout=dropout.p),
    )
