"""Static networks inside mmpretrain.ImageClassifier, and mmpretrain's classifiers as such."""

import socket

import mmpretrain
import pytest
import torch
from mmengine.registry import MODELS
from mmpretrain.structures import DataSample
from torch.nn.attention import SDPBackend, sdpa_kernel
from torch.utils.flop_counter import FlopCounterMode

import dynp_plugins.openmmlab  # noqa: F401
from benchmarks.exit_pass import run_exit_pass
from benchmarks.macs import exit_costs
from dynp_plugins import UserError, create_model
from dynp_plugins.openmmlab.classifiers import multi_exit_network


def build(name='torchvision/shufflenet_v2_x0_5', num_classes=10, **backbone):
    return MODELS.build(
        dict(
            type='mmpretrain.ImageClassifier',
            backbone=dict(type='StaticNetwork', name=name, num_classes=num_classes, **backbone),
            head=dict(
                type='MultiExitHead',
                num_classes=num_classes,
                in_channels=(num_classes,),
                heads=dict(type='StaticHeads'),
            ),
        )
    )


def samples(*labels):
    return [DataSample().set_gt_label(label) for label in labels]


@pytest.mark.parametrize(
    'name', ['torchvision/resnet18', 'timm/test_resnet', 'mmpretrain/resnet18_8xb32_in1k']
)
def test_training_lowers_the_loss(name):
    torch.manual_seed(0)
    model = build(name, num_classes=2).train()
    images, labels = torch.randn(4, 3, 32, 32), samples(0, 1, 0, 1)
    optimizer = torch.optim.SGD(model.parameters(), lr=0.02, momentum=0.9)
    seen = []
    for _ in range(10):
        losses = model(images, labels, mode='loss')
        assert list(losses) == ['loss_ce_final']
        optimizer.zero_grad()
        losses['loss_ce_final'].backward()
        assert all(parameter.grad is not None for parameter in model.parameters())
        optimizer.step()
        seen.append(losses['loss_ce_final'].item())
    assert seen[-1] < 0.8 * seen[0]


def test_an_exit_pass_records_the_one_exit():
    model = build().eval()
    generator = torch.Generator().manual_seed(0)
    images = torch.randint(0, 256, (6, 3, 32, 32), generator=generator, dtype=torch.uint8)
    batches = [
        dict(inputs=list(images[:4]), data_samples=samples(3, 1, 4, 1)),
        dict(inputs=list(images[4:]), data_samples=samples(5, 9)),
    ]
    table = run_exit_pass(model, batches, 'test')
    with torch.no_grad():
        expected = model(images.float(), mode='tensor')[0].argmax(1)
    assert table.manifest['exit_names'] == ['final']
    assert table.prediction[:, 0].tolist() == expected.tolist()


def test_it_is_the_network_that_create_model_builds():
    model = build()
    plain = create_model('static:torchvision/shufflenet_v2_x0_5', num_classes=10)
    plain.load_state_dict(multi_exit_network(model).state_dict())
    images = torch.randn(2, 3, 64, 64)
    with torch.no_grad():
        expected = plain.eval()(images)[0]
        assert torch.equal(model.eval()(images, mode='tensor')[0], expected)


@pytest.mark.parametrize('name', ['timm/deit_tiny_patch16_224', 'mmpretrain/resnet18_8xb32_in1k'])
def test_initialisation_is_left_to_the_library(name):
    model = build(name)
    before = {key: value.clone() for key, value in model.state_dict().items()}
    model.init_weights()
    assert all(torch.equal(value, before[key]) for key, value in model.state_dict().items())


def test_weights_are_read_where_init_cfg_says_so(tmp_path):
    model = build()
    torch.save({'state_dict': model.state_dict()}, tmp_path / 'trained.pth')
    checkpoint = str(tmp_path / 'trained.pth')
    init_cfg = dict(type='Pretrained', checkpoint=checkpoint, prefix='backbone.')
    other = build(init_cfg=init_cfg)
    other.init_weights()
    for key, value in model.backbone.state_dict().items():
        assert torch.equal(other.backbone.state_dict()[key], value), key


def test_gradient_rescaling_may_be_switched_on():
    """So that one config fits every network."""
    model = build(rescale_gradients=True)
    assert model.backbone.rescale_gradients is True
    assert build().backbone.rescale_gradients is False
    model.train()(torch.randn(2, 3, 32, 32), mode='tensor')[0].sum().backward()
    assert all(parameter.grad is not None for parameter in model.parameters())


METAFILE = "mmpretrain 1.3.6, the model's metafile"


@pytest.mark.parametrize(
    ('name', 'published', 'source'),
    [
        ('resnet50_8xb32_in1k', 4.12, METAFILE),
        ('levit-128_3rdparty_in1k', 0.406, 'LeViT, arXiv 2104.01136, table 2'),
        ('deit-small_4xb256_in1k', 4.608, METAFILE),
        ('swin-tiny_16xb64_in1k', 4.5, 'Swin Transformer, arXiv 2103.14030, table 1'),
    ],
)
def test_macs_of_mmpretrains_classifiers_are_the_published_ones(name, published, source):
    network = create_model(f'static:mmpretrain/{name}').eval()
    (cost,) = exit_costs(network, (3, 224, 224))
    assert cost.macs / 1e9 == pytest.approx(published, rel=0.02), source
    network.train().eval()
    with torch.no_grad(), sdpa_kernel(SDPBackend.MATH), FlopCounterMode(display=False) as flops:
        network(torch.zeros(1, 3, 224, 224))
    assert cost.macs == pytest.approx(flops.get_total_flops() / 2, rel=0.01)


def test_logits_are_those_of_mmpretrain():
    settings = dict(head=dict(num_classes=4))
    network = create_model('static:mmpretrain/resnet18_8xb32_in1k', **settings).eval()
    theirs = mmpretrain.get_model('resnet18_8xb32_in1k', **settings)
    theirs.load_state_dict(network.backbone.network.state_dict())
    images = torch.randn(2, 3, 64, 64)
    with torch.no_grad():
        assert torch.equal(network(images)[0], theirs(images, mode='tensor'))


def test_weights_are_initialised_as_mmpretrain_does_it():
    """Which its builder alone does not: the last BatchNorm of a residual block starts at 0."""
    name = 'static:mmpretrain/resnet50_8xb256-rsb-a1-600e_in1k'
    first, *_ = create_model(name).backbone.network.backbone.layer1
    theirs = mmpretrain.get_model('resnet50_8xb256-rsb-a1-600e_in1k')
    theirs.init_weights()
    weight = theirs.backbone.layer1[0].bn3.weight
    assert torch.equal(first.bn3.weight, weight)
    assert torch.equal(weight, torch.zeros_like(weight))


@pytest.mark.parametrize(
    ('name', 'backbone', 'side'),
    [
        ('resnet18_8xb32_in1k', {}, 224),
        ('resnet18_8xb16_cifar10', {}, 32),
        ('inception-v3_3rdparty_8xb32_in1k', {}, 299),
        ('swinv2-tiny-w8_3rdparty_in1k-256px', {}, 256),
        ('deit-tiny_4xb256_in1k', {'img_size': 64}, 64),
        ('tinyvit-21m_in21k-distill-pre_3rdparty_in1k-384px', {}, 384),
    ],
)
def test_the_size_it_was_designed_for_is_known_and_runs(name, backbone, side):
    settings = dict(backbone=backbone) if backbone else {}
    network = create_model(f'static:mmpretrain/{name}', num_classes=4, **settings).eval()
    assert network.backbone.image_size == side
    with torch.no_grad():
        assert network(torch.zeros(1, 3, side, side))[0].shape == (1, 4)


def test_grey_images_are_taken_by_what_is_built_for_them():
    name = 'static:mmpretrain/resnet18_8xb32_in1k'
    network = create_model(name, num_classes=4, backbone=dict(in_channels=1)).eval()
    assert network(torch.zeros(1, 1, 64, 64))[0].shape == (1, 4)
    with pytest.raises(UserError, match=r'images must be \(B, 1, H, W\)'):
        network(torch.zeros(1, 3, 64, 64))


@pytest.mark.parametrize(
    'name',
    [
        'vgg11_8xb32_in1k',  # the classifier is part of the backbone
        'conformer-tiny-p16_3rdparty_in1k',  # two classifiers, added up
        'vig-tiny_3rdparty_in1k',
    ],
)
def test_unusual_heads_give_one_tensor_of_logits(name):
    network = create_model(f'static:mmpretrain/{name}', num_classes=4)
    assert network.backbone.exit_channels == (4,)
    with torch.no_grad():
        assert network(torch.zeros(2, 3, 224, 224))[0].shape == (2, 4)


def test_nothing_is_downloaded_even_where_the_config_names_weights(monkeypatch):
    name = 'resnet50_8xb8_cub'
    backbone = mmpretrain.apis.model.ModelHub.get(name).config.model.backbone
    assert backbone.init_cfg.checkpoint.startswith('https:')

    def refuse(*args):
        raise AssertionError('somebody asks the network')

    monkeypatch.setattr(socket, 'getaddrinfo', refuse)
    monkeypatch.setattr(socket.socket, 'connect', refuse)
    create_model(f'static:mmpretrain/{name}')


@pytest.mark.parametrize(
    ('name', 'settings', 'message'),
    [
        ('resnet51_8xb32_in1k', {}, r'closest names are static:mmpretrain/resnet50_8xb32_in1k'),
        (
            'resnet18_8xb32_in1k',
            {'img_size': 64},
            r"'img_size'; valid are num_classes, and backbone",
        ),
        ('resnet18_8xb32_in1k', {'backbone': {'foo': 1}}, r"built with backbone=.*argument 'foo'"),
        (
            'resnet18_8xb32_in1k',
            {'backbone': {'init_cfg': {'type': 'Pretrained', 'checkpoint': 'x.pth'}}},
            'never downloaded; load a file with checkpoint=',
        ),
        ('mae_vit-base-p16_8xb512-amp-coslr-300e_in1k', {}, 'no image classifier .* but a MAE'),
        ('resnet101-csra_1xb16_voc07-448px', {}, 'gives several labels'),
    ],
)
def test_what_is_no_classifier_or_setting_is_refused(name, settings, message):
    with pytest.raises(UserError, match=message):
        create_model(f'static:mmpretrain/{name}', **settings)


def test_distillation_that_mmpretrain_cannot_train_is_named():
    name, images = 'static:mmpretrain/levit-128s_3rdparty_in1k', torch.zeros(2, 3, 224, 224)
    with pytest.raises(UserError, match=r'build it with head=dict\(distillation=False\)'):
        create_model(name, num_classes=4).train()(images)
    network = create_model(name, num_classes=4, head=dict(distillation=False))
    assert network.train()(images)[0].shape == (2, 4)


def test_the_setting_for_other_sizes_is_named():
    network = create_model('static:mmpretrain/levit-128s_3rdparty_in1k').eval()
    with pytest.raises(UserError, match=r'backbone=dict\(img_size=\.\.\.\) builds it for other'):
        network(torch.zeros(1, 3, 256, 256))


def test_a_head_for_another_number_of_classes_is_refused():
    with pytest.raises(UserError, match=r'in_channels=\(10,\) .* num_classes=7'):
        MODELS.build(
            dict(
                type='MultiExitHead',
                num_classes=7,
                in_channels=(10,),
                heads=dict(type='StaticHeads'),
            )
        )
