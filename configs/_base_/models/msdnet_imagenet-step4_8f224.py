"""The MSDNet of ``msdnet_imagenet-step4.py`` as a TSN: its frames do not see each other.

Its exits begin with convolutions and norms, so that dropout before them does not fit.
"""

_base_ = './msdnet_imagenet-step4.py'

model = dict(
    _delete_=True,
    type='mmaction.Recognizer2D',
    backbone=_base_.model.backbone,
    cls_head=dict(_base_.model.head, type='MultiExitVideoHead'),
)
