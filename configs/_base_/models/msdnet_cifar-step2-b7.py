"""MSDNet for 32x32 pictures with exits behind 7 blocks: 4 layers, then 2 in each, at 3 scales."""

model = dict(
    type='mmpretrain.ImageClassifier',
    backbone=dict(
        type='MSDNet',
        stem='cifar',
        num_blocks=7,
        base=4,
        step=2,
        step_mode='even',
        num_scales=3,
        channels=16,
        growth_rate=6,
        growth_factor=(1, 2, 4),
        bottleneck_factor=(1, 2, 4),
        reduction=0.5,
        prune='max',
    ),
    head=dict(
        type='MultiExitHead',
        num_classes=10,
        in_channels=(160, 208, 140, 188, 236, 152, 200),
        heads=dict(type='ConvExitHeads', hidden_channels=128),
    ),
)
