"""SGD for 12 epochs at batch 16: learning rate 0.02, a tenth of it from epochs 8 and 11 on.

mmdet's schedule "1x" with the weight decay and the clipped gradients of its RegNet configs. The
first 500 iterations warm up.
"""

optim_wrapper = dict(
    optimizer=dict(type='SGD', lr=0.02, momentum=0.9, weight_decay=5e-5),
    clip_grad=dict(max_norm=35, norm_type=2),
)
param_scheduler = [
    dict(type='LinearLR', start_factor=0.001, by_epoch=False, end=500),
    dict(type='MultiStepLR', by_epoch=True, milestones=[8, 11], gamma=0.1),
]
train_cfg = dict(by_epoch=True, max_epochs=12, val_interval=1)
val_cfg = {}
test_cfg = {}
auto_scale_lr = dict(base_batch_size=16)
