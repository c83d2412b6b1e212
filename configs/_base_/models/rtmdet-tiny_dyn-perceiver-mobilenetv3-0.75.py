"""RTMDet's tiny neck and head on the released Dyn-Perceiver of MobileNet-v3 x0.75, 640 pixels.

Of the maps, those of strides 8, 16 and 32 are taken; the CNN has two of stride 32, of which the
last one has also been fused with the latent code of the last stage.
"""

_norm_cfg = dict(type='BN')
_act_cfg = dict(type='SiLU', inplace=True)

model = dict(
    type='mmdet.RTMDet',
    backbone=dict(
        type='DynPerceiver',
        arch='mobilenetv3',
        width=0.75,
        num_latents=128,
        depth_factor=(1, 1, 1, 3),
        out_indices=(0, 1, 3),
    ),
    neck=dict(
        type='mmdet.CSPNeXtPAFPN',
        in_channels=[32, 64, 720],
        out_channels=96,
        num_csp_blocks=1,
        expand_ratio=0.5,
        norm_cfg=_norm_cfg,
        act_cfg=_act_cfg,
    ),
    bbox_head=dict(
        type='mmdet.RTMDetSepBNHead',
        num_classes=80,
        in_channels=96,
        stacked_convs=2,
        feat_channels=96,
        anchor_generator=dict(type='mmdet.MlvlPointGenerator', offset=0, strides=[8, 16, 32]),
        bbox_coder=dict(type='mmdet.DistancePointBBoxCoder'),
        loss_cls=dict(type='mmdet.QualityFocalLoss', use_sigmoid=True, beta=2.0),
        loss_bbox=dict(type='mmdet.GIoULoss', loss_weight=2.0),
        with_objectness=False,
        exp_on_reg=False,
        share_conv=True,
        pred_kernel_size=1,
        norm_cfg=_norm_cfg,
        act_cfg=_act_cfg,
    ),
    train_cfg=dict(
        assigner=dict(type='mmdet.DynamicSoftLabelAssigner', topk=13),
        allowed_border=-1,
        pos_weight=-1,
        debug=False,
    ),
    test_cfg=dict(
        nms_pre=30000,
        min_bbox_size=0,
        score_thr=0.001,
        nms=dict(type='nms', iou_threshold=0.65),
        max_per_img=300,
    ),
)
