"""RetinaNet on a Dyn-Perceiver of RegNet-Y-1.6GF, 128 latent tokens: mmdet's neck, head and
settings, which take the maps of strides 8, 16 and 32.
"""

model = dict(
    type='mmdet.RetinaNet',
    backbone=dict(
        type='DynPerceiver',
        arch='regnety_1.6gf',
        num_latents=128,
        depth_factor=(1, 1, 1, 2),
        out_indices=(1, 2, 3),
        frozen_stages=1,
        norm_eval=True,
    ),
    neck=dict(
        type='mmdet.FPN',
        in_channels=[120, 336, 888],
        out_channels=256,
        add_extra_convs='on_input',
        num_outs=5,
    ),
    bbox_head=dict(
        type='mmdet.RetinaHead',
        num_classes=80,
        in_channels=256,
        stacked_convs=4,
        feat_channels=256,
        anchor_generator=dict(
            type='mmdet.AnchorGenerator',
            octave_base_scale=4,
            scales_per_octave=3,
            ratios=[0.5, 1.0, 2.0],
            strides=[8, 16, 32, 64, 128],
        ),
        bbox_coder=dict(type='mmdet.DeltaXYWHBBoxCoder'),
        loss_cls=dict(type='mmdet.FocalLoss', use_sigmoid=True, gamma=2.0, alpha=0.25),
        loss_bbox=dict(type='mmdet.L1Loss'),
    ),
    train_cfg=dict(
        assigner=dict(
            type='mmdet.MaxIoUAssigner',
            pos_iou_thr=0.5,
            neg_iou_thr=0.4,
            min_pos_iou=0,
            ignore_iof_thr=-1,
        ),
        sampler=dict(type='mmdet.PseudoSampler'),
        allowed_border=-1,
        pos_weight=-1,
        debug=False,
    ),
    test_cfg=dict(
        nms_pre=1000,
        min_bbox_size=0,
        score_thr=0.05,
        nms=dict(type='nms', iou_threshold=0.5),
        max_per_img=100,
    ),
)
