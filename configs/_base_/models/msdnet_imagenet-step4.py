"""MSDNet for ImageNet with exits behind 5 blocks of 4 layers, at 4 scales."""

model = dict(
    type='mmpretrain.ImageClassifier',
    backbone=dict(
        type='MSDNet',
        stem='imagenet',
        num_blocks=5,
        base=4,
        step=4,
        step_mode='even',
        num_scales=4,
        channels=32,
        growth_rate=16,
        growth_factor=(1, 2, 4, 4),
        bottleneck_factor=(1, 2, 4, 4),
        reduction=0.5,
        prune='max',
    ),
    head=dict(
        type='MultiExitHead',
        num_classes=1000,
        in_channels=(384, 384, 352, 304, 560),
        heads=dict(type='ConvExitHeads'),
    ),
)
