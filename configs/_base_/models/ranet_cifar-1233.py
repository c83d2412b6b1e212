"""RANet for 32x32 pictures: 4 sub-networks at scales 1, 2, 3 and 3, with 2 exits each."""

model = dict(
    type='mmpretrain.ImageClassifier',
    backbone=dict(
        type='RANet',
        stem='cifar',
        scale_list=(1, 2, 3, 3),
        growth_factor=(4, 2, 1, 1),
        bottleneck_factor=(4, 2, 1, 1),
        channels=16,
        growth_rate=6,
        num_blocks=2,
        block_step=2,
        step=4,
        step_mode='even',
        compress_factor=0.25,
        reduction=0.5,
    ),
    head=dict(
        type='MultiExitHead',
        num_classes=10,
        in_channels=(160, 256, 140, 188, 93, 117, 180, 204),
        heads=dict(type='ConvExitHeads', hidden_channels=128),
    ),
)
