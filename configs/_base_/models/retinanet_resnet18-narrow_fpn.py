"""The small RetinaNet on a narrow ResNet-18 whose cost is that of the tiny Dyn-Perceiver.

It has a map of stride 32 of its own, where the others have one more level of the pyramid.
"""

_base_ = './retinanet_dyn-perceiver-regnety-tiny_fpn.py'

model = dict(
    backbone=dict(
        _delete_=True,
        type='DynPerceiver',
        arch='resnet18',
        width=0.3125,
        with_latent=False,
        out_indices=(1, 2, 3),
    ),
    neck=dict(
        _delete_=True, type='mmdet.FPN', in_channels=[40, 80, 160], out_channels=64, num_outs=3
    ),
)
