"""The demo's MSDNet: two scales, four exits, about the cost of the demo's Dyn-Perceiver.

Expected, top-1 on the 1,500 test pictures: exit1 89.2, exit2 91.4, exit3 92.9, exit4 93.4 %.
Cost per image up to each exit: 7.1 / 11.1 / 14.3 / 17.9 MMACs; 0.94 M parameters.
``make demo`` trains it.
"""

_base_ = [
    '../_base_/datasets/embedded_digits.py',
    '../_base_/schedules/adamw_bs64_5e.py',
    '../_base_/default_runtime.py',
]

model = dict(
    type='mmpretrain.ImageClassifier',
    backbone=dict(
        type='MSDNet',
        stem='imagenet',
        num_blocks=4,
        base=3,
        step=2,
        step_mode='even',
        num_scales=2,
        channels=24,
        growth_rate=8,
        growth_factor=(1, 2),
        bottleneck_factor=(1, 2),
        reduction=0.5,
        prune='max',
    ),
    head=dict(
        type='MultiExitHead',
        num_classes=10,
        in_channels=(96, 128, 88, 120),
        heads=dict(type='ConvExitHeads', hidden_channels=None),
    ),
)
