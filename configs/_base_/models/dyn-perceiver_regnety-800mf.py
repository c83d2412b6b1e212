"""Dyn-Perceiver on RegNet-Y-800MF, 128 latent tokens, as published."""

model = dict(
    type='mmpretrain.ImageClassifier',
    backbone=dict(
        type='DynPerceiver', arch='regnety_800mf', num_latents=128, depth_factor=(1, 1, 1, 2)
    ),
    head=dict(type='MultiExitHead', num_classes=1000, in_channels=(144, 320, 784, 1104)),
)
