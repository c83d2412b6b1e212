"""Dyn-Perceiver on MobileNet-v3-Large x0.75, 128 latent tokens, as published."""

model = dict(
    type='mmpretrain.ImageClassifier',
    backbone=dict(
        type='DynPerceiver',
        arch='mobilenetv3',
        width=0.75,
        num_latents=128,
        depth_factor=(1, 1, 1, 3),
    ),
    head=dict(
        type='MultiExitHead',
        num_classes=1000,
        in_channels=(64, 120, 720, 840),
        heads=dict(type='DynPerceiverHeads', hidden_channels=960, hidden_dropout=0.2),
    ),
)
