"""mmaction2's TSM on ResNet-50 for 8 frames, with fresh weights."""

model = dict(
    type='mmaction.Recognizer2D',
    backbone=dict(
        type='mmaction.ResNetTSM',
        depth=50,
        norm_eval=False,
        num_segments=8,
        shift_div=8,
        pretrained=None,
        pretrained2d=False,
    ),
    cls_head=dict(
        type='mmaction.TSMHead',
        num_classes=1000,
        in_channels=2048,
        num_segments=8,
        is_shift=True,
        dropout_ratio=0.5,
        init_std=0.001,
        average_clips='score',
    ),
)
