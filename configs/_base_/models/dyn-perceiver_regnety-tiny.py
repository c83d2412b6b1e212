"""A tiny Dyn-Perceiver for 64x64 pictures that trains in minutes on a CPU."""

model = dict(
    type='mmpretrain.ImageClassifier',
    backbone=dict(
        type='DynPerceiver',
        arch='regnety_tiny',
        num_latents=16,
        depth_factor=(1 / 3, 1 / 3, 1 / 9, 1 / 3),
        latent_grid=4,
    ),
    head=dict(type='MultiExitHead', num_classes=10, in_channels=(48, 96, 160, 256)),
)
