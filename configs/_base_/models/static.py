"""A torchvision classifier for ImageNet as a network with one exit."""

model = dict(
    type='mmpretrain.ImageClassifier',
    backbone=dict(type='StaticNetwork', name='torchvision/regnet_y_400mf', num_classes=1000),
    head=dict(
        type='MultiExitHead',
        num_classes=1000,
        in_channels=(1000,),
        heads=dict(type='StaticHeads'),
    ),
)
