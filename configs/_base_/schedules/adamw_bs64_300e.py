"""AdamW for 300 epochs at batch 64: 10 epochs of warm-up, then cosine to 1e-6; EMA 0.9995.

The recipe of ImageNet at the scale of CIFAR; ours, and not tuned.
"""

_base_ = './adamw_bs1024_300e.py'

optim_wrapper = dict(clip_grad=dict(max_norm=5.0))
param_scheduler = [
    dict(type='LinearLR', start_factor=1e-3, by_epoch=True, end=10, convert_to_iter_based=True),
    dict(type='CosineAnnealingLR', eta_min=1e-6, by_epoch=True, begin=10),
]
auto_scale_lr = dict(base_batch_size=64)
custom_hooks = [
    dict(
        type='mmpretrain.EMAHook',
        momentum=5e-4,  # mmengine's momentum is one minus the decay
        priority='ABOVE_NORMAL',
        evaluate_on_ema=True,
        evaluate_on_origin=True,
    )
]
