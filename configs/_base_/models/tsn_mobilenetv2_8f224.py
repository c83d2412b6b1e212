"""mmaction2's TSN on MobileNet-v2, with fresh weights."""

_base_ = './tsn_resnet50_8f224.py'

model = dict(
    backbone=dict(_delete_=True, type='mmaction.MobileNetV2', pretrained=None),
    cls_head=dict(in_channels=1280),
)
