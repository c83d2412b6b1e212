"""A small RetinaNet on a tiny Dyn-Perceiver, for pictures of 100 to 400 pixels on a CPU.

Two maps, of strides 8 and 16, and one more of the pyramid; six anchors per place, from 16 pixels.
"""

model = dict(
    type='mmdet.RetinaNet',
    backbone=dict(
        type='DynPerceiver',
        arch='regnety_tiny',
        num_latents=16,
        depth_factor=(1 / 3, 1 / 3, 1 / 9, 1 / 3),
        latent_grid=4,
        out_indices=(2, 3),
    ),
    neck=dict(
        type='mmdet.FPN',
        in_channels=[96, 160],
        out_channels=64,
        add_extra_convs='on_output',
        num_outs=3,
    ),
    bbox_head=dict(
        type='mmdet.RetinaHead',
        num_classes=10,
        in_channels=64,
        stacked_convs=1,
        feat_channels=64,
        anchor_generator=dict(
            type='mmdet.AnchorGenerator',
            octave_base_scale=2,
            scales_per_octave=2,
            ratios=[0.7, 1.0, 1.4],
            strides=[8, 16, 32],
        ),
        bbox_coder=dict(type='mmdet.DeltaXYWHBBoxCoder', target_stds=[1.0, 1.0, 1.0, 1.0]),
        loss_cls=dict(type='mmdet.FocalLoss', use_sigmoid=True, gamma=2.0, alpha=0.25),
        loss_bbox=dict(type='mmdet.SmoothL1Loss', beta=0.11),
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
