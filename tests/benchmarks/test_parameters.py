"""What counts as trainable."""

from torch import nn

from benchmarks.parameters import trainable_parameters


def test_frozen_parameters_are_left_out():
    module = nn.Sequential(nn.Linear(3, 2), nn.BatchNorm1d(2))
    assert trainable_parameters(module) == 3 * 2 + 2 + 2 + 2  # buffers are no parameters
    module[0].requires_grad_(False)
    assert trainable_parameters(module) == 4
