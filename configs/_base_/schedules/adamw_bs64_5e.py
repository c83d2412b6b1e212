"""AdamW for 5 epochs at batch 64: cosine, 90 iterations of warm-up; EMA 0.99.

The recipe of all the networks of the demo. The learning rate was chosen from 2e-3, 4e-3, 8e-3 and
16e-3, in runs of 8 epochs, by the mean accuracy of the exits on the calibration split: 8e-3 was
best, or less than a quarter of a point behind the best, for each of them.

In several processes, give each its share of the batch: BatchNorm then sees all of it.
"""

sync_bn = 'torch'  # batches are small

optim_wrapper = dict(
    optimizer=dict(type='AdamW', lr=8e-3, weight_decay=0.05),
    constructor='NoDecayForVectors',
    paramwise_cfg=dict(
        custom_keys={
            'backbone.latent': dict(decay_mult=0.0),
            '.position_bias': dict(decay_mult=0.0),
        },
    ),
    clip_grad=dict(max_norm=5.0),
)
param_scheduler = [
    dict(type='LinearLR', start_factor=0.01, by_epoch=False, end=90),
    dict(type='CosineAnnealingLR', eta_min=1e-6, by_epoch=True, convert_to_iter_based=True),
]
train_cfg = dict(by_epoch=True, max_epochs=5, val_interval=5)
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
