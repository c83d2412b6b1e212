"""SGD for 300 epochs at batch 64: learning rate 0.1, a tenth of it from epochs 150 and 225 on."""

_base_ = './sgd_bs256_90e.py'

param_scheduler = [dict(type='MultiStepLR', by_epoch=True, milestones=[150, 225], gamma=0.1)]
train_cfg = dict(max_epochs=300)
auto_scale_lr = dict(base_batch_size=64)
