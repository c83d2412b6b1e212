"""AdamW for 8 epochs at batch 64: cosine, 90 iterations of warm-up; EMA 0.99.

The latent branch learns at half the CNN's rate: its attention layers, fed by a CNN that has learnt
nothing yet, would otherwise disturb that CNN for a good part of so short a run.
"""

_latent_branch = dict(lr_mult=0.5)

optim_wrapper = dict(
    optimizer=dict(type='AdamW', lr=4e-3, weight_decay=0.05),
    constructor='NoDecayForVectors',
    paramwise_cfg=dict(
        custom_keys={
            'backbone.latent': dict(decay_mult=0.0, **_latent_branch),
            'position_bias': dict(decay_mult=0.0, **_latent_branch),
            'backbone.x2z': _latent_branch,
            'backbone.z2x': _latent_branch,
            'backbone.last_z2x': _latent_branch,
            'backbone.self_attention': _latent_branch,
            'backbone.mixers': _latent_branch,
        },
    ),
    clip_grad=dict(max_norm=5.0),
)
param_scheduler = [
    dict(type='LinearLR', start_factor=0.01, by_epoch=False, end=90),
    dict(type='CosineAnnealingLR', eta_min=1e-6, by_epoch=True, convert_to_iter_based=True),
]
train_cfg = dict(by_epoch=True, max_epochs=8, val_interval=4)
val_cfg = {}
test_cfg = {}
auto_scale_lr = dict(base_batch_size=64)

custom_hooks = [
    dict(
        type='mmpretrain.EMAHook',
        momentum=0.01,  # mmengine's momentum is one minus the decay
        priority='ABOVE_NORMAL',
        evaluate_on_ema=True,
        evaluate_on_origin=True,
    )
]
