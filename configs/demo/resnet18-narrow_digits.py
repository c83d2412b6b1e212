"""The demo's static network: ResNet-18 at 5/16 of its width, the cost of the demo's Dyn-Perceiver.

Expected, top-1 on the 1,500 test pictures: 88.1 %.
Cost per image: 16.5 MMACs; 1.10 M parameters. ``make demo`` trains it.
"""

_base_ = [
    '../_base_/datasets/embedded_digits.py',
    '../_base_/schedules/adamw_bs64_5e.py',
    '../_base_/default_runtime.py',
]

model = dict(
    type='mmpretrain.ImageClassifier',
    backbone=dict(
        type='StaticNetwork',
        name='mmpretrain/resnet18_8xb32_in1k',
        num_classes=10,
        backbone=dict(stem_channels=20, base_channels=20),
        head=dict(in_channels=160),
    ),
    head=dict(
        type='MultiExitHead',
        num_classes=10,
        in_channels=(10,),
        heads=dict(type='StaticHeads'),
    ),
)
