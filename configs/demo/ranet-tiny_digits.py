"""The demo's RANet: two resolutions, four exits, about the cost of the demo's Dyn-Perceiver.

Expected, top-1 on the 1,500 test pictures: exit1 91.7, exit2 93.0, exit3 93.6, exit4 93.7 %.
Cost per image up to each exit: 7.2 / 12.5 / 15.4 / 17.5 MMACs; 0.91 M parameters.
``make demo`` trains it where it is named, see the Makefile.
"""

_base_ = [
    '../_base_/datasets/embedded_digits.py',
    '../_base_/schedules/adamw_bs64_5e.py',
    '../_base_/default_runtime.py',
]

model = dict(
    type='mmpretrain.ImageClassifier',
    backbone=dict(
        type='RANet',
        stem='imagenet',
        scale_list=(1, 2),
        growth_factor=(2, 1),
        bottleneck_factor=(2, 1),
        channels=24,
        growth_rate=8,
        num_blocks=2,
        block_step=2,
        step=3,
        step_mode='even',
        compress_factor=0.25,
        reduction=0.5,
    ),
    head=dict(
        type='MultiExitHead',
        num_classes=10,
        in_channels=(96, 144, 76, 100),
        heads=dict(type='ConvExitHeads', hidden_channels=None),
    ),
)
