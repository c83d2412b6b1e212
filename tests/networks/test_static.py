"""Classifiers of torchvision and timm as networks with one exit: names, costs, complaints."""

import socket
import sys

import pytest
import torch
from torch import nn
from torch.nn.attention import SDPBackend, sdpa_kernel
from torch.utils.flop_counter import FlopCounterMode

from benchmarks.macs import exit_costs
from dynp_plugins import UserError, create_model, list_models
from dynp_plugins.networks import MultiExitNetwork, StaticBackbone, StaticHeads
from dynp_plugins.networks.static_libraries import TorchvisionLibrary, _smallest_crop

TORCHVISION = 'torchvision 0.29, meta["_ops"] of the default weights'
TIMM = 'timm, results/benchmark-infer-amp-nchw-pt240-cu124-rtx4090.csv'

PUBLISHED_GMACS = [
    ('torchvision/regnet_y_400mf', 224, 0.402, TORCHVISION),
    ('torchvision/regnet_y_800mf', 224, 0.834, TORCHVISION),
    ('torchvision/regnet_y_1_6gf', 224, 1.612, TORCHVISION),
    ('torchvision/regnet_y_3_2gf', 224, 3.176, TORCHVISION),
    ('torchvision/resnet50', 224, 4.089, TORCHVISION),
    ('torchvision/mobilenet_v3_large', 224, 0.217, TORCHVISION),
    ('torchvision/efficientnet_b0', 224, 0.386, TORCHVISION),
    ('torchvision/swin_t', 224, 4.491, TORCHVISION),
    ('torchvision/vit_b_32', 224, 4.409, TORCHVISION),  # its attention is one fused operator
    ('timm/levit_128', 224, 0.406, 'LeViT, arXiv 2104.01136, table 2'),
    ('timm/levit_256', 224, 1.120, 'LeViT, arXiv 2104.01136, table 2'),
    ('timm/deit_small_patch16_224', 224, 4.61, TIMM),
    ('timm/crossvit_small_240', 240, 5.63, TIMM),
    ('timm/swin_tiny_patch4_window7_224', 224, 4.5, 'Swin Transformer, arXiv 2103.14030, table 1'),
    ('timm/efficientnet_b0', 224, 0.39, 'EfficientNet, arXiv 1905.11946, table 2'),
    ('timm/mobilevitv2_100', 256, 1.84, TIMM),
]
"""Of a network at an input size: multiply-adds in thousands of millions, and who says so. timm's
include normalisation layers, which ours keep apart."""


def torch_gmacs(network, side):
    """What torch's own counter finds; attention as the two products it consists of."""
    fast_path = torch.backends.mha.get_fastpath_enabled()
    torch.backends.mha.set_fastpath_enabled(False)
    try:
        with torch.no_grad(), sdpa_kernel(SDPBackend.MATH), FlopCounterMode(display=False) as flops:
            network(torch.zeros(1, 3, side, side))
    finally:
        torch.backends.mha.set_fastpath_enabled(fast_path)
    return flops.get_total_flops() / 2e9


@pytest.mark.parametrize(('name', 'side', 'published', 'source'), PUBLISHED_GMACS)
def test_macs_are_the_published_ones(name, side, published, source):
    network = create_model(f'static:{name}').eval()
    (cost,) = exit_costs(network, (3, side, side))
    assert cost.name == 'final'
    assert cost.macs / 1e9 == pytest.approx(published, rel=0.02), source
    assert cost.macs / 1e9 == pytest.approx(torch_gmacs(network, side), rel=0.01)


@pytest.fixture(scope='module')
def mobilenet():
    torch.manual_seed(0)
    return create_model('static:torchvision/mobilenet_v3_small', num_classes=5)


def test_the_one_exit_gives_what_the_classifier_gives(mobilenet):
    images = torch.randn(2, 3, 64, 64)
    with torch.no_grad():
        expected = mobilenet.eval().backbone.network(images)
        state, logits = mobilenet.step(0, mobilenet.start(images), ())
        assert torch.equal(logits, expected)
        (forward,) = mobilenet(images)
        assert torch.equal(forward, expected)
    assert mobilenet.exit_names == ('final',)
    assert all(len(value) == 2 for value in state.values())


def test_all_its_weights_are_trained_through_the_exit(mobilenet):
    (logits,) = mobilenet.train()(torch.randn(2, 3, 64, 64))
    logits.square().sum().backward()
    assert all(parameter.grad is not None for parameter in mobilenet.parameters())


def test_any_module_can_be_wrapped():
    cnn = nn.Sequential(nn.Conv2d(3, 4, 3), nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(4, 2))
    network = MultiExitNetwork(StaticBackbone(cnn, 2), StaticHeads((2,), 2))
    assert network(torch.zeros(3, 3, 8, 8))[0].shape == (3, 2)
    assert exit_costs(network, (3, 8, 8))[0].macs == 6 * 6 * 4 * 27 + 4 * 2


def test_weights_are_loaded_from_a_file(mobilenet, tmp_path):
    torch.save({'state_dict': mobilenet.state_dict()}, tmp_path / 'weights.pth')
    name = 'static:torchvision/mobilenet_v3_small'
    loaded = create_model(name, checkpoint=tmp_path / 'weights.pth', num_classes=5)
    for key, value in mobilenet.state_dict().items():
        assert torch.equal(loaded.state_dict()[key], value), key


@pytest.mark.parametrize('name', ['torchvision/shufflenet_v2_x0_5', 'timm/test_vit'])
def test_nothing_is_downloaded(name, monkeypatch):
    def refuse(*args):
        raise AssertionError('somebody asks the network')

    monkeypatch.setattr(socket, 'getaddrinfo', refuse)
    monkeypatch.setattr(socket.socket, 'connect', refuse)
    create_model(f'static:{name}')
    for setting in ('pretrained', 'pretrained_backbone', 'weights'):
        with pytest.raises(UserError, match=rf"setting '{setting}'"):
            create_model(f'static:{name}', **{setting: True})


def test_without_timm_the_error_says_how_to_install_it(monkeypatch):
    monkeypatch.setitem(sys.modules, 'timm', None)
    with pytest.raises(UserError, match=r'not installed: pip install "dynp-plugins\[timm\]"'):
        create_model('static:timm/levit_128')
    with pytest.raises(UserError, match=r'of that name are static:torchvision/resnet50$'):
        create_model('resnet50')


@pytest.mark.parametrize(
    ('name', 'message'),
    [
        (
            'static:torchvision/resnet51',
            r"no classifier 'resnet51'; .* static:torchvision/resnet50",
        ),
        ('static:torchvision/ResNet50', r'closest names are static:torchvision/resnet50,'),
        ('static:timm/levit_129', r"no classifier 'levit_129'; .* static:timm/levit_128"),
        ('static:timm/levit_128.nonsense', r'closest names are .*static:timm/levit_128,'),
        ('static:timm/hf-hub:timm/levit_128', r'closest names are static:timm/levit_128, '),
        ('static:tim/levit_128', r"library 'tim' .* static:torchvision/NAME, static:timm/NAME"),
        ('static:resnet50', r"library 'resnet50' in 'static:resnet50'; valid are static:"),
    ],
)
def test_unknown_names_get_near_ones(name, message):
    with pytest.raises(UserError, match=message):
        create_model(name)


@pytest.mark.parametrize(
    ('name', 'namesakes'),
    [
        ('levit_128', 'static:timm/levit_128'),
        ('timm/levit_128', 'static:timm/levit_128'),
        ('STATIC:timm/LeViT_128', 'static:timm/levit_128'),
        ('ResNet50', 'static:torchvision/resnet50, static:timm/resnet50'),
        ('torchvision/resnet50', 'static:torchvision/resnet50'),
        ('tim/levit_128', None),
        ('resnet51', None),
        ('MSDNET', None),
    ],
)
def test_static_networks_of_an_unknown_name_are_named(name, namesakes):
    with pytest.raises(UserError) as caught:
        create_model(name)
    start, closest, *rest = str(caught.value).split('; ')
    assert start == f'unknown model {name!r}'
    closest = closest.removeprefix('the closest names are ').split(', ')
    assert len(closest) == len(set(closest) & set(list_models())) == 3
    assert rest == [f'static networks of that name are {namesakes}'] * bool(namesakes)


def test_capitals_do_not_hide_the_closest_name():
    with pytest.raises(UserError, match='the closest names are msdnet, '):
        create_model('MSDNET')


@pytest.mark.parametrize('name', [None, 3, ['msdnet']])
def test_what_is_no_name_is_refused(name):
    with pytest.raises(UserError, match=r'is no name: give one of dynp_plugins\.list_models\(\)'):
        create_model(name)


@pytest.mark.parametrize(
    ('name', 'settings', 'side'),
    [
        ('torchvision/resnet18', {}, 224),
        ('torchvision/inception_v3', {}, 299),
        ('torchvision/efficientnet_b1', {}, 240),
        ('torchvision/swin_v2_t', {}, 256),
        ('torchvision/vit_b_16', {}, 224),  # some of its weights are for 384
        ('torchvision/vit_b_32', {'image_size': 64}, 64),
        ('timm/vit_small_patch16_384', {}, 384),
        ('timm/test_vit', {'img_size': 225, 'patch_size': 15}, 225),
        ('timm/test_vit', {'img_size': (64, 64)}, 64),
        ('timm/crossvit_tiny_240', {}, 240),
        ('timm/mobilevitv2_050', {}, 256),
        ('timm/test_resnet', {}, 160),
    ],
)
def test_the_size_it_was_designed_for_is_known_and_runs(name, settings, side):
    network = create_model(f'static:{name}', num_classes=2, **settings).eval()
    assert network.backbone.image_size == side
    with torch.no_grad():
        assert network(torch.zeros(1, 3, side, side))[0].shape == (1, 2)


def test_every_classifier_of_torchvision_has_a_size():
    sizes = {name: _smallest_crop(name) for name in TorchvisionLibrary().names()}
    assert {sizes[name] for name in ('vit_h_14', 'regnet_y_128gf', 'resnet50')} == {224}
    assert sizes['efficientnet_b7'] == 600
    assert all(32 <= size <= 600 for size in sizes.values())


def test_grey_images_are_taken_by_what_is_built_for_them():
    network = create_model('static:timm/test_resnet', num_classes=2, in_chans=1).eval()
    assert network(torch.zeros(1, 1, 64, 64))[0].shape == (1, 2)
    with pytest.raises(UserError, match=r'images must be \(B, 1, H, W\)'):
        network(torch.zeros(1, 3, 64, 64))
    flat = nn.Sequential(nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(5, 2))
    backbone = StaticBackbone(flat, 2, channels=5)
    assert backbone(torch.zeros(3, 5, 8, 8))[0].shape == (3, 2)


@pytest.mark.parametrize(
    ('name', 'settings', 'message'),
    [
        (
            'torchvision/resnet18',
            {'num_clases': 3},
            r"'num_clases'; valid are groups, .*num_classes",
        ),
        ('torchvision/vit_b_32', {'foo': 3}, r"'foo'; valid are .*image_size"),
        ('timm/test_vit', {'imgsize': 64}, r"'imgsize'; valid are .*img_size"),
        ('timm/test_resnet', {'foo': 64}, r"'foo'; valid are .*drop_rate"),
        ('timm/regnetx_002', {'foo': 64}, r"'foo'; valid are .*se_ratio"),  # a field of its config
        ('timm/hrnet_w18_small', {'foo': 64}, r"'foo'; valid are .*drop_rate"),
        ('timm/levit_128s', {'foo': 64}, r"'foo'; valid are .*img_size"),  # its parent's argument
        ('torchvision/resnet18', {'weights': 'DEFAULT'}, 'never downloaded; .*checkpoint='),
        ('torchvision/resnet18', {'pretrained': True}, 'never downloaded; .*checkpoint='),
        ('timm/test_vit', {'pretrained': True}, 'never downloaded; .*checkpoint='),
        ('timm/test_vit', {'features_only': True}, 'only whole classifiers'),
        (
            'torchvision/swin_t',
            {'patch_size': [2, 2]},
            r'cannot be built with patch_size=\[2, 2\]: ',
        ),
        ('torchvision/resnet18', {'num_classes': 0}, 'num_classes=0: give a whole number'),
        ('timm/test_vit', {'num_classes': '10'}, "num_classes='10': give a whole number"),
        ('timm/vit_base_patch16_224.dino', {}, 'comes without a classifier: set num_classes'),
    ],
)
def test_wrong_settings_are_named(name, settings, message):
    with pytest.raises(UserError, match=message):
        create_model(f'static:{name}', **settings)


def test_settings_reach_the_librarys_builder():
    network = create_model('static:timm/test_vit', num_classes=3, img_size=64)
    assert network(torch.zeros(2, 3, 64, 64))[0].shape == (2, 3)
    network = create_model('static:torchvision/vit_b_32', num_classes=3, image_size=64)
    assert network(torch.zeros(2, 3, 64, 64))[0].shape == (2, 3)


def test_a_tag_tells_how_many_classes_there_are():
    name = 'static:timm/tiny_vit_5m_224'
    assert create_model(f'{name}.in1k').backbone.exit_channels == (1000,)
    assert create_model(f'{name}.dist_in22k').backbone.exit_channels == (21841,)


@pytest.mark.parametrize('settings', [{}, {'aux_logits': True}])
def test_auxiliary_classifiers_are_left_out(settings):
    network = create_model('static:torchvision/googlenet', num_classes=4, **settings)
    with torch.no_grad():
        (logits,) = network.train()(torch.randn(2, 3, 64, 64))
    assert logits.shape == (2, 4)
    assert any('aux' in name for name, _ in network.named_parameters()) == bool(settings)


class Pair(nn.Module):
    def forward(self, images):
        return images.mean((2, 3)), images


def test_what_is_no_logits_is_refused():
    network = MultiExitNetwork(StaticBackbone(Pair(), 3), StaticHeads((3,), 3))
    with pytest.raises(UserError, match=r'Pair must return .* \(2, 3\), but it returned 2 things'):
        network(torch.zeros(2, 3, 8, 8))
    too_wide = MultiExitNetwork(StaticBackbone(nn.Flatten(), 3), StaticHeads((3,), 3))
    with pytest.raises(UserError, match=r'Flatten .* \(2, 3\), but it returned one .* \(2, 192\)'):
        too_wide(torch.zeros(2, 3, 8, 8))


def test_heads_for_another_number_of_classes_are_refused():
    with pytest.raises(UserError, match=r'in_channels=\(1000,\) .* num_classes=10'):
        StaticHeads((1000,), 10)


@pytest.mark.parametrize('run', ['forward', 'exit_costs'])
def test_a_size_it_cannot_take_is_refused_with_the_legal_one(run):
    network = create_model('static:timm/deit_tiny_patch16_224').eval()
    with pytest.raises(UserError) as caught:
        if run == 'forward':
            network(torch.zeros(1, 3, 224, 160))
        else:
            exit_costs(network, (3, 224, 160))
    assert str(caught.value) == (
        'static:timm/deit_tiny_patch16_224 cannot take images of 224 x 160 pixels: 224 x 224 is '
        'the only square size that it takes; img_size= builds it for other sizes'
    )


def test_a_size_is_refused_even_when_the_network_keeps_tensors_with_a_history():
    """timm's LeViT caches its attention bias in inference, which cannot be copied as it is."""
    network = create_model('static:timm/levit_128s').eval()
    network(torch.zeros(1, 3, 224, 224))
    with pytest.raises(UserError, match='takes are 209 x 209 to 224 x 224; img_size= builds'):
        network(torch.zeros(1, 3, 256, 256))
    assert network(torch.zeros(1, 3, 224, 224))[0].shape == (1, 1000)


def test_other_errors_pass_unchanged(mobilenet):
    with pytest.raises(RuntimeError, match='expected scalar type Double'):
        mobilenet(torch.zeros(2, 3, 64, 64, dtype=torch.float64))


def test_an_unusual_only_size_is_named():
    name = 'static:timm/deit_tiny_patch16_224'
    network = create_model(name, img_size=225, patch_size=15).eval()
    with pytest.raises(UserError, match='225 x 225 is the only square size that it takes'):
        network(torch.zeros(1, 3, 224, 224))
