"""The backbone of feature maps in OpenMMLab: initial weights, and one class for three libraries."""

import re

import pytest
import torch
import torchvision
from mmengine.logging import MMLogger
from mmengine.registry import MODELS

import dynp_plugins.openmmlab  # noqa: F401
from dynp_plugins import UserError, create_model
from dynp_plugins.checkpoints import convert_checkpoint

TINY = 'dyn_perceiver_regnety_tiny'
SETTINGS = dict(
    arch='regnety_tiny', num_latents=16, depth_factor=(0.3, 0.3, 0.1, 0.3), latent_grid=4
)


@pytest.fixture(scope='module')
def weights():
    """Of a classifier, with its heads."""
    torch.manual_seed(7)
    return create_model(TINY, num_classes=10).state_dict()


@pytest.fixture
def file(weights, tmp_path):
    torch.save({'state_dict': weights}, tmp_path / 'classifier.pth')
    return tmp_path / 'classifier.pth'


@pytest.fixture
def log(caplog):
    """Gathers what mmengine's current logger says, which does not propagate."""
    logger = MMLogger.get_current_instance()
    logger.addHandler(caplog.handler)
    yield caplog
    logger.removeHandler(caplog.handler)


def build(file, prefix='backbone.', **settings):
    init_cfg = dict(type='Pretrained', checkpoint=str(file), prefix=prefix)
    return MODELS.build(dict(type='DynPerceiver', init_cfg=init_cfg) | SETTINGS | settings)


@pytest.mark.parametrize(
    ('settings', 'unused'),
    [
        (dict(out_indices=(0, 1, 2, 3)), {'heads'}),
        (
            dict(out_indices=(0, 1, 2)),
            {
                'heads',
                'backbone.feature_branch.stages.3',
                'backbone.x2z.3',
                'backbone.self_attention.3',
                'backbone.last_z2x',
            },
        ),
        (
            dict(out_indices=(1, 2, 3), with_latent=False),
            {'heads', *(f'backbone.{part}' for part in (
                'latent', 'x2z', 'self_attention', 'mixers', 'z2x', 'last_z2x'))},
        ),
        (
            dict(with_latent=False),
            {'heads', *(f'backbone.{part}' for part in (
                'latent', 'x2z', 'self_attention', 'mixers', 'z2x', 'last_z2x'))},
        ),
    ],
    ids=['all maps', 'three maps', 'maps of the CNN alone', 'the CNN alone'],
)  # fmt: skip
def test_a_classifiers_checkpoint_starts_a_detectors_backbone(file, weights, log, settings, unused):
    backbone = build(file, **settings)
    backbone.init_weights()
    state = backbone.state_dict()
    assert all(torch.equal(value, weights[f'backbone.{key}']) for key, value in state.items())
    text = next(line for line in log.messages if 'initial weights' in line)
    listed = dict(re.findall(r'([\w.]+) \((\d+)\)', text.partition('not used: ')[2]))
    assert set(listed) == unused
    for part, count in listed.items():
        below = [key for key in weights if key == part or key.startswith(f'{part}.')]
        assert int(count) == len(below), part
    assert f'{len(state)} of the {len(weights)} tensors' in text


def test_a_file_without_a_latent_branch_leaves_a_fresh_one(tmp_path, log):
    plain = torchvision.models.resnet18()
    torch.save(plain.state_dict(), tmp_path / 'plain.pth')
    paths = tmp_path / 'plain.pth', tmp_path / 'ours.pth'
    convert_checkpoint(*paths, 'dyn_perceiver_resnet18', origin='torchvision')
    settings = dict(arch='resnet18', num_latents=8, out_indices=(0, 1, 2))
    for with_latent in (True, False):
        backbone = build(paths[1], **settings, with_latent=with_latent)
        backbone.init_weights()
        assert torch.equal(backbone.feature_branch.stem[0].weight, plain.conv1.weight)
        stage = backbone.feature_branch.stages[2]
        assert torch.equal(stage[1].bn2.bias, plain.layer3[1].bn2.bias)
    with_it, without = (line for line in log.messages if 'initial weights' in line)
    assert 'not in the file, and fresh: latent, x2z, self_attention, mixers, z2x' in with_it
    assert 'fresh' not in without
    assert 'not used: backbone.feature_branch.stages.3 (' in without


def test_weights_that_do_not_fit_are_refused_and_none_is_loaded(file, weights, tmp_path):
    def refused(message, path=file, **settings):
        backbone = build(path, **dict(out_indices=(0, 1, 2)) | settings)
        before = backbone.state_dict()['feature_branch.stem.0.weight'].clone()
        with pytest.raises(UserError, match=message):
            backbone.init_weights()
        assert torch.equal(before, backbone.state_dict()['feature_branch.stem.0.weight'])

    message = r'latent: \(16, 16\) instead of \(32, 16\)[\s\S]*weights of .* num_latents=16'
    refused(message, num_latents=32)
    # A network with fewer layers than the file is another network, though each of them would fit.
    deeper = weights | {
        key.replace('attention.1.0.', 'attention.1.1.'): value for key, value in weights.items()
    }
    torch.save(deeper, tmp_path / 'deeper.pth')
    refused(r'unknown[\s\S]*self_attention\.1\.1\.', tmp_path / 'deeper.pth')
    # Of what is not needed nothing is asked.
    backbone = build(tmp_path / 'deeper.pth', out_indices=(0,))
    backbone.init_weights()
    partial = {key: value for key, value in weights.items() if '.z2x.1.' not in key}
    torch.save(partial, tmp_path / 'partial.pth')
    refused(r'missing[\s\S]*backbone\.z2x\.1\.', tmp_path / 'partial.pth')
    backbone = build(file, prefix='model.', out_indices=(0,))
    with pytest.raises(UserError, match=r"no weights below prefix='model\.'; ours lie below 'back"):
        backbone.init_weights()


def test_other_initialisations_stay_possible(file, weights):
    """mmengine's own come first, then the file's weights."""
    init_cfg = [
        dict(type='Constant', layer='BatchNorm2d', val=0.5),
        dict(type='Pretrained', checkpoint=str(file), prefix='backbone'),
    ]
    backbone = build(file, out_indices=(1,))
    backbone.init_cfg = init_cfg
    backbone.init_weights()
    key = 'feature_branch.stem.1.weight'
    assert torch.equal(backbone.state_dict()[key], weights[f'backbone.{key}'])
    backbone = MODELS.build(
        dict(type='DynPerceiver', init_cfg=init_cfg[:1], out_indices=(1,)) | SETTINGS
    )
    backbone.init_weights()
    assert (backbone.state_dict()[key] == 0.5).all()


def test_frozen_random_weights_are_noted(file, weights, log, tmp_path):
    for frozen_stages, init_cfg, noted in ((1, None, True), (-1, None, False)):
        settings = dict(out_indices=(1,), frozen_stages=frozen_stages, init_cfg=init_cfg)
        MODELS.build(dict(type='DynPerceiver') | SETTINGS | settings).init_weights()
        assert any('keeps random weights fixed' in line for line in log.messages) == noted
        log.clear()
    build(file, out_indices=(1,), frozen_stages=1).init_weights()
    assert not any('keeps random weights fixed' in line for line in log.messages)
    # A file of the CNN alone leaves the latent branch random, of which a part is frozen.
    branch = {key: value for key, value in weights.items() if '.feature_branch.' in key}
    torch.save({'state_dict': branch}, tmp_path / 'branch.pth')
    for settings, parts in (
        (dict(frozen_stages=1), 'latent, x2z, self_attention, mixers, z2x'),
        (dict(frozen_stages=2), 'latent, x2z, self_attention, mixers, z2x'),
        (dict(frozen_stages=0), None),
        (dict(frozen_stages=-1), None),
        (dict(frozen_stages=1, with_latent=False), None),
    ):
        log.clear()
        build(tmp_path / 'branch.pth', out_indices=(1,), **settings).init_weights()
        noted = [line for line in log.messages if 'keeps random weights fixed' in line]
        assert len(noted) == (parts is not None)
        assert all(f': {parts}, not in {tmp_path / "branch.pth"}' in line for line in noted)


def test_every_unused_tensor_is_listed_where_all_is_logged(file, weights, log):
    backbone = build(file, out_indices=(1,), with_latent=False)
    log.set_level('DEBUG', logger=MMLogger.get_current_instance().name)
    backbone.init_weights()
    (text,) = (line for line in log.messages if line.startswith('Not used of '))
    used = {f'backbone.{key}' for key in backbone.state_dict()}
    assert text.partition(': ')[2].split(', ') == [key for key in weights if key not in used]


@torch.no_grad()
def test_one_class_serves_three_libraries_in_one_process():
    """A classifier, a recognizer and a detector, each built in its own scope, and run."""
    backbone = dict(type='DynPerceiver') | SETTINGS
    image = torch.zeros(2, 3, 64, 64)
    head = dict(num_classes=5, in_channels=(48, 96, 160, 256))
    classifier = MODELS.build(
        dict(
            type='mmpretrain.ImageClassifier',
            backbone=backbone,
            head=dict(type='MultiExitHead', **head),
        )
    ).eval()
    assert [tuple(y.shape) for y in classifier(image, mode='tensor')] == [(2, 5)] * 4
    # mmpretrain's own heads take the maps.
    plain = MODELS.build(
        dict(
            type='mmpretrain.ImageClassifier',
            backbone=backbone | dict(out_indices=(3,)),
            neck=dict(type='mmpretrain.GlobalAveragePooling'),
            head=dict(type='mmpretrain.LinearClsHead', num_classes=5, in_channels=160),
        )
    ).eval()
    assert plain(image, mode='tensor').shape == (2, 5)
    recognizer = MODELS.build(
        dict(
            type='mmaction.Recognizer2D',
            backbone=backbone | dict(num_segments=2),
            cls_head=dict(type='MultiExitVideoHead', **head),
            data_preprocessor=dict(type='mmaction.ActionDataPreprocessor'),
        )
    ).eval()
    assert recognizer.extract_feat(image[None], stage='backbone')[0][3].shape == (2, 256)
    detector = MODELS.build(
        dict(
            type='mmdet.RetinaNet',
            backbone=backbone | dict(out_indices=(1, 2, 3)),
            neck=dict(type='mmdet.FPN', in_channels=[48, 96, 160], out_channels=16, num_outs=3),
            bbox_head=dict(
                type='mmdet.RetinaHead',
                num_classes=5,
                in_channels=16,
                feat_channels=16,
                stacked_convs=1,
                anchor_generator=dict(
                    type='mmdet.AnchorGenerator', scales=[4], ratios=[1], strides=[8, 8, 16]
                ),
            ),
        )
    ).eval()
    classes, _ = detector(image, mode='tensor')
    assert [tuple(y.shape) for y in classes] == [(2, 5, 8, 8), (2, 5, 8, 8), (2, 5, 4, 4)]
    models = (classifier, plain, recognizer, detector)
    assert len({type(model.backbone) for model in models}) == 1
