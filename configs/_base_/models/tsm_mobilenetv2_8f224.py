"""mmaction2's TSM on MobileNet-v2 for 8 frames, with fresh weights."""

_base_ = './tsm_resnet50_8f224.py'

model = dict(
    backbone=dict(
        _delete_=True,
        type='mmaction.MobileNetV2TSM',
        num_segments=8,
        is_shift=True,
        shift_div=8,
        pretrained=None,
        pretrained2d=False,
    ),
    cls_head=dict(in_channels=1280),
)
