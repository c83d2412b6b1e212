"""The stand-ins for mmcv's compiled RoIAlign, focal loss and deformable convolution."""

import pytest
import torch
import torchvision
from mmcv.ops import ModulatedDeformConv2d, RoIAlign
from mmdet.models.losses.focal_loss import py_sigmoid_focal_loss, sigmoid_focal_loss
from torch.nn import functional as F

from dynp_plugins.errors import UserError
from dynp_plugins.openmmlab.compat import mmcv_ext

EMPTY = torch.zeros(0)


# --- RoIAlign ------------------------------------------------------------------------------------


def test_roi_align_of_a_ramp_by_hand():
    # The value of a pixel is its column, so that of a continuous x is x - 0.5 (centres lie at .5).
    ramp = torch.arange(8.0).expand(1, 1, 8, 8).clone().requires_grad_()
    rois = torch.tensor([[0.0, 2.0, 2.0, 6.0, 6.0]])  # bins are 2 pixels wide: centres at 3 and 5

    pooled = RoIAlign(output_size=2, sampling_ratio=1)(ramp, rois)

    assert pooled.tolist() == [[[[2.5, 4.5], [2.5, 4.5]]]]
    pooled[0, 0, 0, 0].backward()  # sampled at (3, 3), the corner of four pixels
    expected = torch.zeros(8, 8)
    expected[2:4, 2:4] = 0.25
    assert torch.equal(ramp.grad[0, 0], expected)


@pytest.mark.parametrize('aligned', [True, False])
@pytest.mark.parametrize('sampling_ratio', [0, 2])
@pytest.mark.parametrize('rois_count', [7, 0])
def test_roi_align_equals_autograd_of_torchvision(rois_count, sampling_ratio, aligned):
    generator = torch.Generator().manual_seed(0)
    images = torch.rand(2, 3, 12, 9, generator=generator)
    corners = torch.rand(rois_count, 2, generator=generator) * 20 - 2
    sizes = torch.rand(rois_count, 2, generator=generator) * 20
    batch = torch.arange(rois_count)[:, None] % 2
    rois = torch.cat([batch, corners, corners + sizes], dim=1)
    weights = torch.rand(rois_count, 3, 4, 5, generator=generator)
    ours, theirs = (images.clone().requires_grad_() for _ in range(2))

    pool = RoIAlign((4, 5), 0.5, sampling_ratio, aligned=aligned)
    pooled = pool(ours, rois)
    expected = torchvision.ops.roi_align(theirs, rois, (4, 5), 0.5, sampling_ratio, aligned)

    torch.testing.assert_close(pooled, expected)
    (pooled * weights).sum().backward()
    (expected * weights).sum().backward()
    torch.testing.assert_close(ours.grad, theirs.grad)


@pytest.mark.parametrize('dtype', [torch.float16, torch.bfloat16])
def test_roi_align_of_half_precision(dtype):
    images = torch.rand(1, 2, 8, 8, generator=torch.Generator().manual_seed(0))
    rois = torch.tensor([[0.0, 1.0, 1.0, 6.0, 5.0]])
    half = images.to(dtype).requires_grad_()

    pooled = RoIAlign(3)(half, rois.to(dtype))
    pooled.sum().backward()

    assert pooled.dtype == half.grad.dtype == dtype
    torch.testing.assert_close(pooled.float(), RoIAlign(3)(images, rois), rtol=0, atol=0.01)


def test_roi_align_by_maximum_is_refused():
    pool = RoIAlign(2, pool_mode='max')

    with pytest.raises(UserError, match=r"pool_mode='max'.*pool_mode='avg'.*--no-build-isolation"):
        pool(torch.zeros(1, 1, 4, 4), torch.zeros(1, 5))


# --- sigmoid focal loss --------------------------------------------------------------------------


def plain_focal_loss(logits, target, gamma: float, alpha: float):
    """The formula of the paper on probabilities, with class C as background, for autograd."""
    one_hot = F.one_hot(target, logits.shape[1] + 1)[:, :-1]
    p = torch.sigmoid(logits)
    ours = -alpha * (1 - p) ** gamma * torch.log(p)
    others = -(1 - alpha) * p**gamma * torch.log(1 - p)
    return torch.where(one_hot.bool(), ours, others)


def focal_forward(logits, target, gamma, alpha):
    output = torch.zeros_like(logits)
    mmcv_ext.sigmoid_focal_loss_forward(logits, target, EMPTY, output, gamma=gamma, alpha=alpha)
    return output


def focal_backward(logits, target, gamma, alpha):
    grad = torch.zeros_like(logits)
    mmcv_ext.sigmoid_focal_loss_backward(logits, target, EMPTY, grad, gamma=gamma, alpha=alpha)
    return grad


@pytest.mark.parametrize(('gamma', 'alpha'), [(2.0, 0.25), (1.5, 0.6), (0.0, 0.5)])
def test_focal_loss_equals_autograd_of_the_formula(gamma, alpha):
    generator = torch.Generator().manual_seed(0)
    logits = 3 * torch.randn(40, 5, generator=generator, dtype=torch.float64)
    target = torch.randint(0, 6, (40,), generator=generator)  # 5 is the background
    logits.requires_grad_()

    expected = plain_focal_loss(logits, target, gamma, alpha)
    (expected_grad,) = torch.autograd.grad(expected.sum(), logits)

    torch.testing.assert_close(
        focal_forward(logits.detach(), target, gamma, alpha), expected.detach()
    )
    torch.testing.assert_close(focal_backward(logits.detach(), target, gamma, alpha), expected_grad)


def test_focal_loss_of_extreme_logits_stays_finite():
    logits = torch.tensor([[200.0, -200.0], [-200.0, 200.0]])
    target = torch.tensor([0, 0])  # first row right, second row wrong

    loss = focal_forward(logits, target, 2.0, 0.25)
    grad = focal_backward(logits, target, 2.0, 0.25)

    torch.testing.assert_close(loss, torch.tensor([[0.0, 0.0], [50.0, 150.0]]))
    torch.testing.assert_close(grad, torch.tensor([[0.0, 0.0], [-0.25, 0.75]]))


@pytest.mark.parametrize('dtype', [torch.float16, torch.bfloat16])
def test_focal_loss_of_half_precision(dtype):
    logits = torch.linspace(-6, 6, 24).reshape(8, 3).to(dtype)
    target = torch.arange(8) % 4

    loss = focal_forward(logits, target, 2.0, 0.25)

    assert loss.dtype == dtype
    expected = focal_forward(logits.float(), target, 2.0, 0.25)
    torch.testing.assert_close(loss, expected.to(dtype))


def test_focal_loss_through_mmdet_equals_its_cpu_formula():
    # On a GPU mmdet's FocalLoss takes the op, on a CPU its own formula; the two must agree.
    generator = torch.Generator().manual_seed(0)
    logits = torch.randn(30, 4, generator=generator)
    target = torch.randint(0, 5, (30,), generator=generator)
    weight = torch.rand(30, generator=generator)
    ours, theirs = (logits.clone().requires_grad_() for _ in range(2))

    loss = sigmoid_focal_loss(ours, target, weight, avg_factor=7)
    expected = py_sigmoid_focal_loss(theirs, F.one_hot(target, 5)[:, :4], weight, avg_factor=7)
    loss.backward()
    expected.backward()

    torch.testing.assert_close(loss, expected)
    torch.testing.assert_close(ours.grad, theirs.grad)


def test_focal_loss_with_class_weights_is_refused():
    logits = torch.zeros(2, 3)

    with pytest.raises(UserError, match=r"'sigmoid_focal_loss' with class weights \(3 given\)"):
        mmcv_ext.sigmoid_focal_loss_forward(
            logits, torch.zeros(2).long(), torch.ones(3), torch.zeros_like(logits), 2.0, 0.25
        )


# --- deformable convolution ----------------------------------------------------------------------


def test_deform_conv_without_deformation_is_a_convolution():
    torch.manual_seed(0)
    layer = ModulatedDeformConv2d(4, 6, 3, stride=2, padding=1, groups=2, bias=True)
    images = torch.randn(2, 4, 9, 8)

    output = layer(images, torch.zeros(2, 18, 5, 4), torch.ones(2, 9, 5, 4))

    expected = F.conv2d(images, layer.weight, layer.bias, stride=2, padding=1, groups=2)
    torch.testing.assert_close(output, expected)


def test_deform_conv_offsets_are_y_before_x():
    layer = ModulatedDeformConv2d(1, 1, 1, bias=False)
    torch.nn.init.ones_(layer.weight)
    images = torch.arange(12.0).reshape(1, 1, 3, 4)
    one_down = torch.stack([torch.ones(3, 4), torch.zeros(3, 4)])[None]

    output = layer(images, one_down, torch.full((1, 1, 3, 4), 0.5))

    expected = torch.cat([images[:, :, 1:], torch.zeros(1, 1, 1, 4)], dim=2) / 2
    torch.testing.assert_close(output, expected)


@pytest.mark.parametrize('bias', [True, False])
def test_deform_conv_gradients_are_those_of_finite_differences(bias):
    torch.manual_seed(0)
    layer = ModulatedDeformConv2d(2, 2, 2, padding=1, deform_groups=2, bias=bias).double()
    images = torch.randn(1, 2, 3, 3, dtype=torch.float64, requires_grad=True)
    # Offsets away from whole pixels, where bilinear interpolation has a kink.
    offset = (torch.randint(-1, 2, (1, 16, 4, 4)) + 0.25 + torch.rand(1, 16, 4, 4) / 2).double()
    mask = torch.rand(1, 8, 4, 4, dtype=torch.float64)

    def run(images, offset, mask, *parameters):
        return layer(images, offset, mask)

    inputs = (images, offset.requires_grad_(), mask.requires_grad_(), *layer.parameters())
    assert torch.autograd.gradcheck(run, inputs, fast_mode=True)
