"""SGD for 100 epochs at batch 256: learning rate 0.01, a tenth of it from epochs 40 and 80 on.

As mmaction2 trains TSN on Kinetics-400, with five epochs of linear warm-up before it and without
weight decay of biases and norms.
"""

optim_wrapper = dict(
    optimizer=dict(type='SGD', lr=0.01, momentum=0.9, weight_decay=1e-4),
    constructor='NoDecayForVectors',
    paramwise_cfg=dict(
        custom_keys={
            'backbone.latent': dict(decay_mult=0.0),
            '.position_bias': dict(decay_mult=0.0),
        },
    ),
    clip_grad=dict(max_norm=40, norm_type=2),
)
param_scheduler = [
    dict(type='LinearLR', start_factor=0.1, by_epoch=True, end=5, convert_to_iter_based=True),
    dict(type='MultiStepLR', by_epoch=True, milestones=[40, 80], gamma=0.1),
]
train_cfg = dict(by_epoch=True, max_epochs=100, val_interval=1)
val_cfg = {}
test_cfg = {}
auto_scale_lr = dict(base_batch_size=256)
