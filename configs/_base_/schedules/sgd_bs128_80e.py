"""SGD for 80 epochs at batch 128: learning rate 0.001, a tenth of it from epochs 30 and 60 on.

As TSN's authors train on UCF-101 and HMDB-51 from ImageNet weights, with five epochs of linear
warm-up before it and without weight decay of biases and norms.
"""

_base_ = './sgd_bs256_100e.py'

optim_wrapper = dict(
    optimizer=dict(lr=0.001, weight_decay=5e-4),
    clip_grad=dict(max_norm=20),
)
param_scheduler = [
    dict(type='LinearLR', start_factor=0.1, by_epoch=True, end=5, convert_to_iter_based=True),
    dict(type='MultiStepLR', by_epoch=True, milestones=[30, 60], gamma=0.1),
]
train_cfg = dict(max_epochs=80)
auto_scale_lr = dict(base_batch_size=128)
