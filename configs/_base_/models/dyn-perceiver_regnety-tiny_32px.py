"""A small Dyn-Perceiver for CIFAR's 32x32 pictures; the setting is ours.

X2Z reads a 4x4 grid, the size of the features in stages 3 and 4.
"""

model = dict(
    type='mmpretrain.ImageClassifier',
    backbone=dict(
        type='DynPerceiver',
        arch='regnety_tiny',
        num_latents=64,
        depth_factor=(1, 1, 1 / 3, 1),
        latent_grid=4,
    ),
    head=dict(type='MultiExitHead', num_classes=10, in_channels=(48, 96, 160, 256)),
)
