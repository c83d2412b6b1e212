"""The form for inference gives the same answers with fewer operations."""

import copy

import pytest
import torch
from torch import nn
from torch.nn.modules.batchnorm import _BatchNorm

from benchmarks.macs import exit_costs
from dynp_plugins import create_model
from dynp_plugins.networks.inference_form import inference_form
from dynp_plugins.networks.merged_attention import MergedLatentToImage
from dynp_plugins.networks.shortcuts import without_shortcuts

NETWORKS = {
    'dyn_perceiver_regnety_tiny': (dict(num_classes=7), 64),
    'dyn_perceiver_resnet18': (dict(num_classes=7, width=0.125), 64),
    'dyn_perceiver_resnet50': (dict(num_classes=7, width=0.125), 64),
    'dyn_perceiver_mobilenetv3': (dict(num_classes=7, width=0.25), 64),
    'msdnet_cifar_step2_b7': (dict(num_classes=7), 32),
    'ranet_cifar_1233': (dict(num_classes=7), 32),
    'static:torchvision/resnet18': (dict(num_classes=7), 64),
}
VIDEO = dict(num_segments=4, latent_shift=True)


def moved(name, **settings):
    """A network in double precision, no part of which still does nothing, such as a bias of 0."""
    torch.manual_seed(0)
    network = create_model(name, **settings).double()
    size = NETWORKS[name][1]
    with torch.no_grad():
        for parameter in network.parameters():
            parameter.add_(0.1 * torch.randn_like(parameter))
        for _ in range(2):
            network(torch.randn(8, 3, size, size).double())
    return network.eval()


@pytest.mark.parametrize(
    ('name', 'extra'),
    [*((name, {}) for name in NETWORKS), ('dyn_perceiver_regnety_tiny', VIDEO)],
    ids=[*NETWORKS, 'video'],
)
@torch.no_grad()
def test_answers_are_the_same(name, extra):
    settings, size = NETWORKS[name]
    network = moved(name, **settings, **extra)
    before = copy.deepcopy(network.state_dict())
    images = torch.randn(8, 3, size, size).double()
    expected = network(images)
    form = inference_form(network.train())
    for again in (form, inference_form(form)):
        for found, logits in zip(again(images), expected, strict=True):
            torch.testing.assert_close(found, logits, rtol=1e-9, atol=1e-9)
    assert network.training and not form.training
    assert all(torch.equal(value, before[key]) for key, value in network.state_dict().items())
    assert not any(parameter.requires_grad for parameter in form.parameters())


@pytest.mark.parametrize('name', [name for name in NETWORKS if not name.startswith('static')])
def test_no_batch_norm_is_left(name):
    form = inference_form(create_model(name, **NETWORKS[name][0]))
    assert not any(isinstance(module, _BatchNorm) for module in form.modules())


def test_what_the_merged_attention_saves():
    """Closed form: projections of X2Z, those of wide Z2X, and the last layer of the last one."""
    network = create_model('dyn_perceiver_regnety_800mf')
    # Its kernels are made by the published network on every call, here once, before the count.
    form = inference_form(network)
    with torch.no_grad():
        form(torch.zeros(1, 3, 224, 224))
    before, after = (
        exit_costs(one, (3, 224, 224), shortcuts=True)[-1].macs for one in (network, form)
    )
    *widths, last = network.backbone.feature_branch.channels
    saved = 0
    for i, (channels, side) in enumerate(zip(widths, (112, 56, 28, 14), strict=True)):
        tokens, s = 128 // 2**i, side // 7
        saved += 2 * tokens * channels**2  # no projection of queries, none behind the attention
        wide = 7 + s - 1
        saved += channels * (wide * 7 * 7 + wide**2 * 7)
    for channels, pixels in ((widths[-1], 14**2), (last, 7**2)):
        width, tokens = channels // 8, 16
        published = 2 * pixels * (channels * width + tokens * width)
        saved += published - 2 * tokens * channels * (width + pixels)
    saved += (7 * 7 - 1) * last**2
    assert before - after == saved


def test_z2x_takes_the_cheaper_order():
    """With few pixels the keys take over the projections, with many they do not."""
    network = create_model('dyn_perceiver_regnety_800mf')
    backbone = inference_form(network).backbone
    tokens = (64, 32, 16)
    moved = [
        z2x._moves_projections(pixels, count)
        for z2x, pixels, count in zip(backbone.z2x, (56**2, 28**2, 14**2), tokens, strict=True)
    ]
    assert moved == [False, False, True]


@pytest.mark.parametrize(('tokens', 'moves'), [(2, True), (48, False)])
@torch.no_grad()
def test_both_orders_of_z2x_give_the_same(tokens, moves):
    z2x = moved('dyn_perceiver_regnety_tiny', num_classes=7).backbone.z2x[1]
    channels = z2x.cross_attention.q_norm.normalized_shape[0]
    x = torch.randn(2, channels, 8, 8).double()
    z = torch.randn(2, tokens, channels).double()
    expected = z2x(x, z)
    merged = MergedLatentToImage(copy.deepcopy(z2x))
    assert merged._moves_projections(8 * 8, tokens) == moves
    torch.testing.assert_close(merged(x, z), expected, rtol=1e-9, atol=1e-9)


def test_the_kernel_of_x2z_is_made_once():
    x2z = inference_form(create_model('dyn_perceiver_regnety_tiny')).backbone.x2z[0]
    assert x2z.kernel((2, 2)) is x2z.kernel((2, 2))
    assert x2z.kernel((2, 4)).shape[2:] == (8, 10)
    assert x2z.double().kernel((2, 2)).dtype == torch.float64


class Branching(nn.Sequential):
    """Reads what lies between its children."""

    def forward(self, x):
        convolved = self[0](x)
        return convolved + self[1](convolved)


def pair():
    torch.manual_seed(0)
    convolution, norm = nn.Conv2d(3, 3, 1), nn.BatchNorm2d(3)
    with torch.no_grad():
        nn.Sequential(convolution, norm)(torch.randn(8, 3, 4, 4))
    return convolution, norm


def shared():
    """A convolution with two norms, as detectors' heads have it at several resolutions."""
    convolution, norm = pair()
    other = nn.BatchNorm2d(3)
    return nn.Sequential(nn.Sequential(convolution, norm), nn.Sequential(convolution, other))


@pytest.mark.parametrize(
    'module',
    [
        Branching(*pair()),
        shared(),
        nn.Sequential(nn.Conv2d(3, 3, 1), nn.BatchNorm2d(3, track_running_stats=False)),
        nn.Sequential(nn.Conv2d(3, 3, 1), nn.SyncBatchNorm(3)),
    ],
    ids=['branching', 'shared', 'no statistics', 'subclass'],
)
def test_what_cannot_be_folded_stays(module):
    form = inference_form(module)
    assert sum(isinstance(one, _BatchNorm) for one in form.modules()) == sum(
        isinstance(one, _BatchNorm) for one in module.modules()
    )


def one_activation_for_all():
    """The norm stands right behind a convolution that it does not follow, repeats left out."""
    convolution, norm = pair()
    activation = nn.ReLU()
    return nn.Sequential(convolution, activation, nn.Conv2d(3, 3, 1), activation, norm)


def one_convolution_twice():
    convolution, norm = pair()
    return nn.Sequential(convolution, norm, nn.ReLU(), convolution)


@pytest.mark.parametrize('module', [one_activation_for_all(), one_convolution_twice()])
@torch.no_grad()
def test_modules_that_stand_twice_are_folded_where_they_stand(module):
    images = torch.randn(4, 3, 5, 5)
    expected = module.eval()(images)
    torch.testing.assert_close(inference_form(module)(images), expected)


def test_the_latent_code_is_projected_once_for_all_images(tiny):
    rows = []
    attention = tiny.backbone.x2z[0].cross_attention.attention
    for projection in (attention.q_proj, attention.k_proj):
        projection.register_forward_hook(lambda _, inputs, __: rows.append(len(inputs[0])))
    images = torch.randn(5, 3, 64, 64)
    once = tiny(images)
    with without_shortcuts(tiny):
        published = tiny(images)
    assert [sorted(rows[:2]), rows[2:]] == [[1, 5], [5, 5]]
    for found, expected in zip(once, published, strict=True):
        torch.testing.assert_close(found, expected, rtol=1e-4, atol=1e-6)
