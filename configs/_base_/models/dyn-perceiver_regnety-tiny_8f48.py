"""A tiny Dyn-Perceiver with temporal shift for 8 frames of 48x48; trains in minutes on a CPU."""

model = dict(
    type='mmaction.Recognizer2D',
    backbone=dict(
        type='DynPerceiver',
        arch='regnety_tiny',
        num_latents=16,
        depth_factor=(1 / 3, 1 / 3, 1 / 9, 1 / 3),
        latent_grid=3,
        num_segments=8,
    ),
    cls_head=dict(type='MultiExitVideoHead', num_classes=8, in_channels=(48, 96, 160, 256)),
)
