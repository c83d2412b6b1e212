"""A network of two exits that is exported in a second."""

import torch
from torch import nn

from dynp_plugins.networks import ExitBackbone, ExitHeads, MultiExitNetwork


class TwoConvolutions(ExitBackbone):
    """Two exits; quick to export.

    Args:
        fixed: Whether the size of a batch is read as a plain number, so that the first step can be
            exported for one size alone.
    """

    exit_names = ('early', 'late')
    exit_channels = (4, 8)
    image_size = 8

    def __init__(self, fixed=False):
        super().__init__()
        self.fixed = fixed
        self.first, self.second = nn.Conv2d(3, 4, 3, bias=False), nn.Conv2d(4, 8, 3)
        self.offset = nn.Parameter(torch.randn(1, 4, 1, 1))

    def start(self, images):
        size = len(images) if self.fixed else images.shape[0]
        return {'map': images, 'offset': self.offset.expand(size, -1, -1, -1)}

    def step(self, k, state):
        if k == 0:
            features = self.first(state['map']) + state['offset']
            return {'map': features}, features.mean((2, 3))
        return {}, self.second(state['map']).mean((2, 3))


class LinearHeads(ExitHeads):
    exit_names = TwoConvolutions.exit_names
    in_channels = TwoConvolutions.exit_channels

    def __init__(self):
        super().__init__()
        self.layers = nn.ModuleList(nn.Linear(width, 3) for width in self.in_channels)

    def step(self, k, feature, previous_logits):
        return self.layers[k](feature) + sum(previous_logits)


def small_network(fixed=False):
    torch.manual_seed(0)
    return MultiExitNetwork(TwoConvolutions(fixed), LinearHeads()).eval()
