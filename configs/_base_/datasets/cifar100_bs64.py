"""CIFAR-100 in ``data/cifar100`` (``cifar-100-python/train`` and so on), treated like CIFAR-10."""

_base_ = './cifar10_bs64.py'

data_preprocessor = dict(num_classes=100, mean=[129.3, 124.1, 112.4], std=[68.2, 65.4, 70.4])

_data = dict(type='mmpretrain.CIFAR100', data_root='data/cifar100')

train_dataloader = dict(dataset=dict(dataset=_data))
calibration_dataloader = dict(dataset=dict(dataset=_data))
val_dataloader = dict(dataset=dict(dataset=_data))
test_dataloader = dict(dataset=_data)
