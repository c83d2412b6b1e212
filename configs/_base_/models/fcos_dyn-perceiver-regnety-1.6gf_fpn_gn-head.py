"""FCOS, which has no anchors, on a Dyn-Perceiver of RegNet-Y-1.6GF: mmdet's neck and head."""

_base_ = './retinanet_dyn-perceiver-regnety-1.6gf_fpn.py'

model = dict(
    type='mmdet.FCOS',
    neck=dict(add_extra_convs='on_output', relu_before_extra_convs=True),
    bbox_head=dict(
        _delete_=True,
        type='mmdet.FCOSHead',
        num_classes=80,
        in_channels=256,
        stacked_convs=4,
        feat_channels=256,
        strides=[8, 16, 32, 64, 128],
        loss_cls=dict(type='mmdet.FocalLoss', use_sigmoid=True, gamma=2.0, alpha=0.25),
        loss_bbox=dict(type='mmdet.IoULoss'),
        loss_centerness=dict(type='mmdet.CrossEntropyLoss', use_sigmoid=True),
    ),
    train_cfg=None,
)
