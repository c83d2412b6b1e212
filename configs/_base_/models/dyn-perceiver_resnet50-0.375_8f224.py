"""Dyn-Perceiver on ResNet-50 x0.375 as a TSM of 8 frames: the published one with temporal shift.
TSM's dropout at every exit replaces the dropout and stochastic depth of the training on pictures.
"""

_base_ = './dyn-perceiver_resnet50-0.375.py'

model = dict(
    _delete_=True,
    type='mmaction.Recognizer2D',
    backbone=dict(_base_.model.backbone, drop_path_rate=0.0, num_segments=8),
    cls_head=dict(
        type='MultiExitVideoHead',
        num_classes=1000,
        in_channels=_base_.model.head.in_channels,
        dropout_ratio=0.5,
    ),
)
