"""mmaction2's TSN on ResNet-50, with fresh weights."""

model = dict(
    type='mmaction.Recognizer2D',
    backbone=dict(type='mmaction.ResNet', depth=50, norm_eval=False, pretrained=None),
    cls_head=dict(
        type='mmaction.TSNHead',
        num_classes=1000,
        in_channels=2048,
        dropout_ratio=0.4,
        init_std=0.01,
        average_clips='score',
    ),
)
