"""A small detector, its config and weights; untrained, it sees something everywhere."""

import torch

from dynp_plugins.openmmlab.config_files import load_config
from dynp_plugins.openmmlab.detectors import build_detector

CLASSES = ('ant', 'bee', 'cat')

STEPS = """[
    dict(type='LoadImageFromFile'),
    dict(type='Resize', scale=(96, 64), keep_ratio=True),
    dict(type='LoadAnnotations', with_bbox=True),
    dict(type='PackDetInputs', meta_keys=(
        'img_id', 'img_path', 'ori_shape', 'img_shape', 'scale_factor')),
]"""

CONFIG = """
custom_imports = dict(imports=['dynp_plugins.openmmlab'])
default_scope = 'mmdet'
model = dict(
    type='mmdet.RetinaNet',
    backbone=dict(
        type='DynPerceiver', arch='regnety_tiny', num_latents=16,
        depth_factor=(1 / 3, 1 / 3, 1 / 9, 1 / 3), latent_grid=4, out_indices=(2, 3)),
    neck=dict(type='mmdet.FPN', in_channels=[96, 160], out_channels=16, num_outs=2),
    bbox_head=dict(
        type='mmdet.RetinaHead', num_classes=3, in_channels=16, feat_channels=16, stacked_convs=1,
        anchor_generator=dict(
            type='mmdet.AnchorGenerator', octave_base_scale=2, scales_per_octave=1,
            ratios=[1.0], strides=[8, 16]),
        bbox_coder=dict(type='mmdet.DeltaXYWHBBoxCoder')),
    data_preprocessor=dict(
        type='mmdet.DetDataPreprocessor', mean=[123.675, 116.28, 103.53], std=[58.4, 57.1, 57.4],
        bgr_to_rgb=True, pad_size_divisor=32),
    test_cfg=dict(
        nms_pre=100, min_bbox_size=0, score_thr=0.0, max_per_img=20,
        nms=dict(type='nms', iou_threshold=0.3)))
test_dataloader = dict(
    batch_size=2, num_workers=0, sampler=dict(type='DefaultSampler', shuffle=False),
    dataset=dict(
        type='CocoDataset', ann_file='no/such/file.json', test_mode=True,
        metainfo=dict(classes=('ant', 'bee', 'cat')), pipeline=STEPS))
"""


def write_config(path, steps=STEPS, text=''):
    """A config whose data are not there."""
    path.write_text(CONFIG.replace('STEPS', steps) + text)
    return path


def make_detector(config, options=None):
    """The config's detector in eval mode, its scores spread over more than half of 0 to 1."""
    torch.manual_seed(0)
    detector = build_detector(load_config(config, options))
    pictures = torch.randn(8, 3, 8, 8).repeat_interleave(8, 2).repeat_interleave(8, 3)
    with torch.no_grad():
        for module in detector.modules():
            if isinstance(module, torch.nn.modules.batchnorm._BatchNorm):
                module.momentum = 1.0
        detector.train()(pictures)
        detector.eval()
        scores, deltas = (torch.cat([map.flatten() for map in maps]) for maps in detector(pictures))
        head = detector.bbox_head
        head.retina_cls.weight.mul_(1.5 / scores.std())
        head.retina_cls.bias.fill_(0)
        head.retina_reg.weight.mul_(0.3 / deltas.std())
    return detector


def save_weights(detector, path, **meta):
    torch.save({'state_dict': detector.state_dict(), 'meta': meta}, path)
    return path
