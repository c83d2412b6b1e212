"""Detectors on the feature maps: they train a step and predict, in full and in mixed precision."""

from contextlib import nullcontext

import pytest
import torch
from mmengine.config import Config
from mmengine.registry import MODELS

from dynp_plugins import UserError
from dynp_plugins.checkpoints import read_checkpoint
from dynp_plugins.openmmlab.detectors import (
    box_heads,
    build_detector,
    is_detection_config,
    is_detector,
    load_detector,
)
from tests.openmmlab.made_up_boxes import make_batch

# On a map of 1 x 1, a convolution of stride 2 in bfloat16 has a NaN in its gradient (torch 2.14 on
# CPUs); below 96 pixels the last level of RetinaNet is made of such a one.
SIZE = 96
RESNET = dict(arch='resnet18', width=0.25, num_latents=8, depth_factor=(0.1,) * 4)
CHANNELS = [16, 32, 64, 128]
DETECTORS = {
    'retinanet_dyn-perceiver-regnety-1.6gf_fpn': dict(
        backbone=RESNET,
        neck=dict(in_channels=CHANNELS[1:], out_channels=16),
        bbox_head=dict(num_classes=4, in_channels=16, feat_channels=16, stacked_convs=1),
    ),
    'fcos_dyn-perceiver-regnety-1.6gf_fpn_gn-head': dict(
        backbone=RESNET,
        neck=dict(in_channels=CHANNELS[1:], out_channels=32),
        bbox_head=dict(num_classes=4, in_channels=32, feat_channels=32, stacked_convs=1),
    ),
    'faster-rcnn_dyn-perceiver-regnety-1.6gf_fpn': dict(
        backbone=RESNET,
        neck=dict(in_channels=CHANNELS, out_channels=16),
        rpn_head=dict(in_channels=16, feat_channels=16),
        roi_head=dict(
            bbox_roi_extractor=dict(out_channels=16),
            bbox_head=dict(num_classes=4, in_channels=16, fc_out_channels=32),
        ),
    ),
    'rtmdet-tiny_dyn-perceiver-mobilenetv3-0.75': dict(
        backbone=dict(RESNET, arch='mobilenetv3', width=0.5),
        neck=dict(in_channels=[24, 40, 480], out_channels=16),
        # With fresh weights every second box would have a negative side, and be dropped.
        bbox_head=dict(
            num_classes=4, in_channels=16, feat_channels=16, stacked_convs=1, exp_on_reg=True
        ),
    ),
}
RETINANET = next(iter(DETECTORS))


def config_of(name: str) -> Config:
    """The base config of this name with narrow layers."""
    config = Config.fromfile(f'configs/_base_/models/{name}.py')
    config.default_scope = 'mmdet'
    config.data_preprocessor = dict(type='mmdet.DetDataPreprocessor', pad_size_divisor=32)
    config.merge_from_dict(dict(model=DETECTORS[name]))
    backbone = config.model.backbone
    backbone.frozen_stages, backbone.norm_eval = -1, False
    test_cfg = config.model.test_cfg
    test_cfg.get('rcnn', test_cfg).score_thr = 0.0  # scores of fresh weights are low
    test_cfg.get('rpn', test_cfg).nms_pre = 50
    return config


@pytest.mark.parametrize('autocast', [False, True], ids=['fp32', 'autocast'])
@pytest.mark.parametrize('name', DETECTORS, ids=lambda name: name.partition('_')[0])
def test_detector_trains_a_step_and_predicts(name, autocast):
    torch.manual_seed(0)
    detector = build_detector(config_of(name))
    detector.init_weights()
    trained = dict(detector.named_parameters())
    before = {key: value.detach().clone() for key, value in trained.items()}
    precision = torch.autocast('cpu', torch.bfloat16) if autocast else nullcontext()

    with precision:
        data = detector.train().data_preprocessor(make_batch(SIZE), training=True)
        loss, parts = detector.parse_losses(detector(**data, mode='loss'))
    loss.backward()
    torch.optim.SGD(trained.values(), lr=0.01).step()

    assert all(torch.isfinite(part) for part in parts.values())
    assert [key for key, value in trained.items() if value.grad is None] == []
    assert all(torch.isfinite(value.grad).all() for value in trained.values())
    parts = {'feature_branch', 'self_attention', 'z2x', 'neck', 'head'}
    moved = [key for key, value in trained.items() if not torch.equal(value, before[key])]
    assert {part for part in parts if any(part in key for key in moved)} == parts

    detector.eval()
    with torch.no_grad(), precision:
        predictions = detector.test_step(make_batch(SIZE))
    assert len(predictions) == 2
    for prediction in predictions:
        found = prediction.pred_instances
        assert len(found) > 0
        assert torch.isfinite(found.bboxes).all()
        assert 0 <= found.bboxes.min() <= found.bboxes.max() <= SIZE
        assert ((found.scores >= 0) & (found.scores <= 1)).all()
        assert set(found.labels.tolist()) <= set(range(4))


def test_what_a_detector_is():
    config = config_of(RETINANET)
    detector = build_detector(config)
    assert is_detection_config(config)
    assert is_detector(detector)
    assert not is_detector(detector.backbone)
    assert box_heads(detector) == {'model.bbox_head': detector.bbox_head}
    two_stages = build_detector(config_of('faster-rcnn_dyn-perceiver-regnety-1.6gf_fpn'))
    assert box_heads(two_stages) == {'model.roi_head.bbox_head': two_stages.roi_head.bbox_head}
    config.model.pop('type')
    for model, scope, expected in (
        ('mmpretrain.ImageClassifier', 'mmdet', False),
        ('mmdet.RetinaNet', 'mmpretrain', True),
        ('RetinaNet', 'mmdet', True),
        ('RetinaNet', None, False),
    ):
        config = Config(dict(model=dict(type=model), default_scope=scope))
        assert is_detection_config(config) == expected
    assert not is_detection_config(Config({}))


def test_weights_are_loaded_strictly(tmp_path):
    config = config_of(RETINANET)
    detector = build_detector(config)
    torch.save({'state_dict': detector.state_dict()}, tmp_path / 'detector.pth')
    loaded, sha256 = load_detector(config, read_checkpoint(tmp_path / 'detector.pth'))
    assert not loaded.training
    assert len(sha256) == 64
    for key, value in detector.state_dict().items():
        assert torch.equal(loaded.state_dict()[key], value)
    config.model.bbox_head.num_classes = 5
    with pytest.raises(
        UserError, match=r'cls\.weight: \(36, 16, 3, 3\) instead of \(45,[\s\S]*another detector'
    ):
        load_detector(config, read_checkpoint(tmp_path / 'detector.pth'))
    # A classifier's weights are a start, not a detector.
    weights = {key: v for key, v in detector.state_dict().items() if key.startswith('backbone.')}
    torch.save({'state_dict': weights}, tmp_path / 'backbone.pth')
    with pytest.raises(UserError, match=r'bbox_head\.[\s\S]*model\.backbone\.init_cfg=dict'):
        load_detector(config, read_checkpoint(tmp_path / 'backbone.pth'))


@pytest.mark.parametrize(
    ('changes', 'message'),
    [
        (
            {'neck.in_channels': [16, 32, 64]},
            r'model\.neck\.in_channels=\[16, 32, 64\] does not fit the maps of the backbone: with '
            r'out_indices=\(1, 2, 3\), resnet18 gives maps of \[32, 64, 128\] channels and strides '
            r'\[8, 16, 32\]; set model\.neck\.in_channels=\[32, 64, 128\], or choose other',
        ),
        # Here mmdet's neck cannot be built, and would not say why.
        (
            {'neck.in_channels': [32, 32, 64, 128], 'neck.num_outs': 3},
            r'in_channels=\[32, 32, 64, 128\] does not fit .* maps of \[32, 64, 128\] channels',
        ),
        (
            {'backbone.out_indices': (2, 3), 'neck.in_channels': [32, 64, 128], 'neck.num_outs': 2},
            r'in_channels=\[32, 64, 128\] does not fit .*; set .*in_channels=\[64, 128\]',
        ),
        ({'neck.in_channels': 128}, r'in_channels=128 does not .*; set .*=\[32, 64, 128\]'),
        ({'neck.in_channels': (32, 64, 128)}, r'=\(32, 64, 128\) .*; set .*=\[32, 64, 128\]'),
        ({'neck.in_channels': '128'}, r"in_channels='128' does not .*; set .*=\[32, 64, 128\]"),
        ({'backbone.out_indices': (0, 1, 2, 3)}, r'gives maps of \[16, 32, 64, 128\]'),
        (
            {'backbone.out_indices': (2, 3), 'neck.in_channels': [64, 128], 'neck.num_outs': 5},
            r'model\.bbox_head\.anchor_generator\.strides=\[8, 16, 32, 64, 128\] does not fit the '
            r'maps .* the strides \[16, 32, 64, 128, 256\]',
        ),
        ({'neck.num_outs': 4}, r'have the strides \[8, 16, 32, 64\]'),
        (
            {'neck': dict(type='mmdet.DilatedEncoder', in_channels=64, out_channels=16)
             | dict(block_mid_channels=8, num_residual_blocks=1, block_dilations=[1])},
            r'model\.neck\.in_channels=64 does not fit .*; set model\.neck\.in_channels=128',
        ),
        (
            {'backbone.out_indices': None},
            r'a DynPerceiver of exits, but a detector needs feature maps',
        ),
    ],
    ids=lambda value: next(iter(value)) if isinstance(value, dict) else '',
)  # fmt: skip
def test_parts_that_do_not_fit_are_refused(changes, message):
    config = config_of(RETINANET)
    for key, value in changes.items():
        config.merge_from_dict({f'model.{key}': dict(value, _delete_=True)} if key == 'neck' else
                               {f'model.{key}': value})  # fmt: skip
    with pytest.raises(UserError, match=message):
        build_detector(config)


def test_strides_of_a_second_stage_are_compared_too():
    config = config_of('faster-rcnn_dyn-perceiver-regnety-1.6gf_fpn')
    config.model.roi_head.bbox_roi_extractor.featmap_strides = [8, 16, 32, 64]
    with pytest.raises(UserError, match=r'featmap_strides=\[8, 16, 32, 64\] .* set .*=\[4, 8'):
        build_detector(config)


def test_strides_are_named_as_the_head_calls_them():
    config = config_of('rtmdet-tiny_dyn-perceiver-mobilenetv3-0.75')
    config.model.bbox_head.anchor_generator.strides = [4, 8, 16]
    with pytest.raises(
        UserError, match=r'bbox_head\.anchor_generator\.strides=\[4, 8, 16\] .* set model\.bbox_'
        r'head\.anchor_generator\.strides=\[8, 16, 32\]',
    ):  # fmt: skip
        build_detector(config)
    fcos = 'fcos_dyn-perceiver-regnety-1.6gf_fpn_gn-head'
    for name, head, message in (
        (fcos, dict(strides=[4, 8, 16, 32, 64]), r'model\.bbox_head\.strides=\[4, 8, 16, 32, 64\]'),
        (
            RETINANET,
            dict(type='mmdet.RepPointsHead', num_classes=4, in_channels=16, _delete_=True),
            r'model\.bbox_head\.point_strides=\[8, 16, 32, 64, 128\]',
        ),
    ):
        config = config_of(name)
        config.model.train_cfg = None
        if name == RETINANET:
            config.model.neck.num_outs = 4
        config.merge_from_dict({'model.bbox_head': head})
        with pytest.raises(UserError, match=message):
            build_detector(config)


def test_deep_pyramids_have_the_strides_of_every_level():
    config = config_of(RETINANET)
    config.model.backbone.out_indices = (0,)
    config.model.neck.update(in_channels=[16], num_outs=6)
    strides = [4, 8, 16, 32, 64, 128]
    config.model.bbox_head.anchor_generator.strides = strides
    head = build_detector(config).bbox_head
    assert head.prior_generator.strides == [(stride, stride) for stride in strides]


def test_types_may_be_classes():
    """As in mmengine's configs in pure Python."""
    config = config_of(RETINANET)
    build_detector(config)  # imports them
    config.model.type = MODELS.get('mmdet.RetinaNet')
    config.model.neck.type = MODELS.get('mmdet.FPN')
    config.model.backbone.type = MODELS.get('DynPerceiver')
    config.default_scope = None
    assert is_detection_config(config)
    assert is_detector(build_detector(config))
    config.model.neck.in_channels = [16, 32, 64]
    with pytest.raises(UserError, match=r'set model\.neck\.in_channels=\[32, 64, 128\]'):
        build_detector(config)
    config.model.type = MODELS.get('mmpretrain.ImageClassifier')
    assert not is_detection_config(config)


def test_other_backbones_and_unusual_necks_are_left_alone():
    """mmdet's own backbones say nothing of their maps; YOLO's neck wants the deepest map first."""
    config = config_of(RETINANET)
    config.model.backbone = dict(type='mmdet.ResNet', depth=18, out_indices=(1, 2, 3))
    config.model.neck.in_channels = [128, 256, 512]
    build_detector(config)
    config = config_of(RETINANET)
    config.model.train_cfg = None
    config.model.neck = dict(
        type='mmdet.YOLOV3Neck', num_scales=3, in_channels=[128, 64, 32], out_channels=[32, 16, 8]
    )
    config.model.bbox_head = dict(
        type='mmdet.YOLOV3Head', num_classes=4, in_channels=[32, 16, 8], out_channels=[32, 16, 8]
    )
    build_detector(config)
    config.model.neck.in_channels = [32, 64, 128]
    with pytest.raises(UserError, match=r'set model\.neck\.in_channels=\[128, 64, 32\]'):
        build_detector(config)


def test_a_config_of_a_classifier_is_refused():
    backbone = dict(type='DynPerceiver', arch='regnety_tiny', num_latents=8)
    head = dict(type='MultiExitHead', num_classes=4, in_channels=(48, 96, 160, 256))
    model = dict(type='mmpretrain.ImageClassifier', backbone=backbone, head=head)
    with pytest.raises(UserError, match='describes ImageClassifier, which is no detector'):
        build_detector(Config(dict(model=model, default_scope='mmpretrain')))
