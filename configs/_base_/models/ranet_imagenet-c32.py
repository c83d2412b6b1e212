"""RANet for ImageNet with 32 channels: 4 sub-networks at scales 1 to 4, with 2 exits each."""

model = dict(
    type='mmpretrain.ImageClassifier',
    backbone=dict(
        type='RANet',
        stem='imagenet',
        scale_list=(1, 2, 3, 4),
        growth_factor=(4, 2, 2, 1),
        bottleneck_factor=(4, 2, 2, 1),
        channels=32,
        growth_rate=16,
        num_blocks=2,
        block_step=2,
        step=8,
        step_mode='even',
        compress_factor=0.25,
        reduction=0.5,
    ),
    head=dict(
        type='MultiExitHead',
        num_classes=1000,
        in_channels=(640, 1152, 666, 922, 936, 1192, 573, 701),
        heads=dict(type='ConvExitHeads'),
    ),
)
