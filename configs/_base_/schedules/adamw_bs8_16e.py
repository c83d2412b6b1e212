"""AdamW for 16 epochs at batch 8: cosine, 100 iterations of warm-up.

The recipe of all the small detectors, which start from nothing.
"""

_base_ = './adamw_bs64_5e.py'

optim_wrapper = dict(optimizer=dict(lr=1e-3))
param_scheduler = [
    dict(type='LinearLR', start_factor=0.01, by_epoch=False, end=100),
    dict(type='CosineAnnealingLR', eta_min=1e-6, by_epoch=True, convert_to_iter_based=True),
]
train_cfg = dict(max_epochs=16, val_interval=4)
auto_scale_lr = dict(base_batch_size=8)
custom_hooks = []
