"""AdamW for 300 epochs at batch 256: RTMDet's schedule.

The learning rate warms up over 1,000 iterations, stays, and falls as a cosine from half of the
epochs on. An exponential moving average of the weights is evaluated.
"""

optim_wrapper = dict(
    optimizer=dict(type='AdamW', lr=0.004, weight_decay=0.05),
    constructor='NoDecayForVectors',
    paramwise_cfg=dict(
        custom_keys={
            'backbone.latent': dict(decay_mult=0.0),
            '.position_bias': dict(decay_mult=0.0),
        },
        bypass_duplicate=True,  # the head shares convolutions between its levels
    ),
)
param_scheduler = [
    dict(type='LinearLR', start_factor=1e-5, by_epoch=False, end=1000),
    dict(
        type='CosineAnnealingLR',
        eta_min=0.0002,
        by_epoch=True,
        begin=150,
        end=300,
        T_max=150,
        convert_to_iter_based=True,
    ),
]
train_cfg = dict(by_epoch=True, max_epochs=300, val_interval=10, dynamic_intervals=[(280, 1)])
val_cfg = {}
test_cfg = {}
auto_scale_lr = dict(base_batch_size=256)
custom_hooks = [
    dict(
        type='EMAHook',
        ema_type='ExpMomentumEMA',
        momentum=0.0002,
        update_buffers=True,
        priority=49,
    ),
]
