"""Handles of single operators, against closed forms and against the same work done otherwise."""

import torch
from torch import nn
from torch.nn import functional as F
from torchvision.ops import roi_align

import dynp_plugins.openmmlab  # noqa: F401 - stands in for mmcv's compiled operators
from benchmarks.macs import count_macs


def test_fused_attention_counts_projections_and_both_products():
    class Attention(nn.Module):
        def __init__(self):
            super().__init__()
            self.attention = nn.MultiheadAttention(16, 4, batch_first=True)

        def forward(self, x):
            return self.attention(x, x, x, need_weights=False)[0]

    with torch.no_grad():
        counts = count_macs(Attention().eval(), torch.zeros(2, 9, 16))
    assert counts == {'linear': 2 * 9 * 4 * 16 * 16, 'attention': 2 * 2 * 9 * 9 * 16}


def test_a_convolution_padded_by_name_costs_what_it_costs_padded_by_number():
    for groups in (1, 4):
        named, numbered = (
            nn.Conv2d(8, 12, 3, padding=padding, groups=groups) for padding in ('same', 1)
        )
        image = torch.zeros(2, 8, 10, 14)
        assert count_macs(named, image) == count_macs(numbered, image) != {}


def test_bicubic_interpolation_is_no_multiply_add_of_the_network():
    counts = count_macs(nn.Upsample(scale_factor=2, mode='bicubic'), torch.zeros(1, 3, 4, 4))
    assert counts == {'upsample_bicubic2d': 16 * 3 * 8 * 8}


def test_smoothed_bicubic_interpolation_looks_at_more_where_it_shrinks():
    class Resize(nn.Module):
        def forward(self, image):
            return F.interpolate(image, (2, 8), mode='bicubic', antialias=True)

    counts = count_macs(Resize(), torch.zeros(1, 3, 4, 4))
    assert counts == {'upsample_bicubic2d': (4 * 2) * 4 * 3 * 2 * 8}


def test_a_linear_layer_with_one_output_and_no_axis_for_it():
    class Mean(nn.Module):
        """Of a distribution over 17 distances, as generalised focal loss takes it."""

        def forward(self, probabilities):
            return F.linear(probabilities, torch.arange(17.0))

    assert count_macs(Mean(), torch.zeros(4, 5, 17)) == {'linear': 4 * 5 * 17}


def test_a_matrix_that_is_broadcast_multiplies_every_matrix_of_the_batch():
    class Product(nn.Module):
        def forward(self, a, b):
            return a @ b

    one, many = torch.zeros(3, 5), torch.zeros(6, 2, 5, 4)
    assert count_macs(Product(), (one, many)) == {'matmul': 6 * 2 * 3 * 5 * 4}
    assert count_macs(Product(), (many.mT, one.mT)) == {'matmul': 6 * 2 * 3 * 5 * 4}
    assert count_macs(Product(), (torch.zeros(7), torch.zeros(7))) == {'matmul': 7}


def test_regions_of_torchvision_are_interpolated():
    class Regions(nn.Module):
        def forward(self, image, boxes):
            return roi_align(image, boxes, 7, sampling_ratio=2)

    boxes = torch.tensor([[0, 1.0, 1, 9, 9], [0, 2, 2, 6, 12], [0, 0, 0, 15, 15]])
    counts = count_macs(Regions(), (torch.zeros(1, 8, 16, 16), boxes))
    assert counts == {'roi_align': 4 * 3 * 8 * 7 * 7}


def test_a_deformable_convolution_costs_what_a_convolution_costs_and_its_interpolation():
    from mmcv.ops import ModulatedDeformConv2dPack

    settings = {'stride': 2, 'padding': 1, 'groups': 2}
    deformable = ModulatedDeformConv2dPack(8, 12, 3, **settings)
    image = torch.zeros(2, 8, 12, 16)
    counts = count_macs(deformable, image)
    offsets = count_macs(nn.Conv2d(8, 3 * 9, 3, stride=2, padding=1), image)['conv']
    assert counts['conv'] == count_macs(nn.Conv2d(8, 12, 3, **settings), image)['conv'] + offsets
    assert counts['grid_sampler'] == 2 * 8 * 9 * 6 * 8 * 4
