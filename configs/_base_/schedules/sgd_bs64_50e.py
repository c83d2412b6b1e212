"""SGD for 50 epochs at batch 64: learning rate 0.01, a tenth of it from epochs 20 and 40 on.

As TSM is trained on Something-Something (arXiv 1811.08383): weight decay 5e-4, none on biases and
norms, classifiers learn five times as fast, gradients are clipped. Five epochs of linear warm-up
come first. Biases learn as fast as weights, where TSM has twice that.
"""

optim_wrapper = dict(
    optimizer=dict(type='SGD', lr=0.01, momentum=0.9, weight_decay=5e-4),
    constructor='NoDecayForVectors',
    paramwise_cfg=dict(
        custom_keys={
            'backbone.latent': dict(decay_mult=0.0),
            '.position_bias': dict(decay_mult=0.0),
            'cls_head.heads.classifiers': dict(lr_mult=5.0),  # ours
            'cls_head.fc_cls': dict(lr_mult=5.0),  # mmaction2's
        },
    ),
    clip_grad=dict(max_norm=20, norm_type=2),
)
param_scheduler = [
    dict(type='LinearLR', start_factor=0.1, by_epoch=True, end=5, convert_to_iter_based=True),
    dict(type='MultiStepLR', by_epoch=True, milestones=[20, 40], gamma=0.1),
]
train_cfg = dict(by_epoch=True, max_epochs=50, val_interval=1)
val_cfg = {}
test_cfg = {}
auto_scale_lr = dict(base_batch_size=64)
