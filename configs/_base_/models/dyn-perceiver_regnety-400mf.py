"""Dyn-Perceiver on RegNet-Y-400MF, 128 latent tokens."""

model = dict(
    type='mmpretrain.ImageClassifier',
    backbone=dict(
        type='DynPerceiver', arch='regnety_400mf', num_latents=128, depth_factor=(1, 1, 1, 1)
    ),
    head=dict(type='MultiExitHead', num_classes=1000, in_channels=(104, 208, 440, 648)),
)
