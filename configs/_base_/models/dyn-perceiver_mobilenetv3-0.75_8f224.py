"""Dyn-Perceiver on MobileNet-v3-Large x0.75 as a TSM of 8 frames: the published network with
temporal shift. TSM's dropout at every exit replaces the one inside the last two heads.
"""

_base_ = './dyn-perceiver_mobilenetv3-0.75.py'

model = dict(
    _delete_=True,
    type='mmaction.Recognizer2D',
    backbone=dict(_base_.model.backbone, num_segments=8),
    cls_head=dict(
        type='MultiExitVideoHead',
        num_classes=1000,
        in_channels=_base_.model.head.in_channels,
        heads=dict(_base_.model.head.heads, hidden_dropout=0.0),
        dropout_ratio=0.5,
    ),
)
