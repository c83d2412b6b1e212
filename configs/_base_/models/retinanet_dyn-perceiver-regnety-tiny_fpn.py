"""A small RetinaNet on a tiny Dyn-Perceiver, for pictures of 100 to 400 pixels on a CPU.

Two maps, of strides 8 and 16, and one more of the pyramid; six anchors per place, from 16 pixels.
"""

_base_ = './retinanet_dyn-perceiver-regnety-1.6gf_fpn.py'

model = dict(
    backbone=dict(
        _delete_=True,
        type='DynPerceiver',
        arch='regnety_tiny',
        num_latents=16,
        depth_factor=(1 / 3, 1 / 3, 1 / 9, 1 / 3),
        latent_grid=4,
        out_indices=(2, 3),
    ),
    neck=dict(in_channels=[96, 160], out_channels=64, add_extra_convs='on_output', num_outs=3),
    bbox_head=dict(
        num_classes=10,
        in_channels=64,
        stacked_convs=1,
        feat_channels=64,
        anchor_generator=dict(
            octave_base_scale=2, scales_per_octave=2, ratios=[0.7, 1.0, 1.4], strides=[8, 16, 32]
        ),
        bbox_coder=dict(target_stds=[1.0, 1.0, 1.0, 1.0]),
        loss_bbox=dict(type='mmdet.SmoothL1Loss', beta=0.11),
    ),
)
