"""Dyn-Perceiver on ResNet-50 x0.375, 128 latent tokens, as published."""

model = dict(
    type='mmpretrain.ImageClassifier',
    backbone=dict(
        type='DynPerceiver',
        arch='resnet50',
        width=0.375,
        num_latents=128,
        depth_factor=(1, 1, 1, 1),
        drop_path_rate=0.2,
    ),
    head=dict(
        type='MultiExitHead',
        num_classes=1000,
        in_channels=(192, 384, 768, 1152),
        heads=dict(type='DynPerceiverHeads', feature_dropout=0.2),
    ),
)
