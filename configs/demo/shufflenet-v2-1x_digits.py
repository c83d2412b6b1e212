"""The demo's static network: ShuffleNet-v2 1.0x of torchvision, with its one exit."""

_base_ = [
    '../_base_/datasets/embedded_digits.py',
    '../_base_/schedules/adamw_bs64_8e.py',
    '../_base_/default_runtime.py',
]

model = dict(
    type='mmpretrain.ImageClassifier',
    backbone=dict(type='StaticNetwork', name='torchvision/shufflenet_v2_x1_0', num_classes=10),
    head=dict(
        type='MultiExitHead',
        num_classes=10,
        in_channels=(10,),
        heads=dict(type='StaticHeads'),
    ),
)
