"""Dyn-Perceiver on RegNet-Y-800MF as a TSM of 8 frames: the published network with temporal shift
and TSM's dropout at every exit.
"""

_base_ = './dyn-perceiver_regnety-800mf.py'

model = dict(
    _delete_=True,
    type='mmaction.Recognizer2D',
    backbone=dict(_base_.model.backbone, num_segments=8),
    cls_head=dict(_base_.model.head, type='MultiExitVideoHead', dropout_ratio=0.5),
)
