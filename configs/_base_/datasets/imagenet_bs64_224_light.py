"""ImageNet-1k at 224x224 with random resized crops and flips only, as MSDNet and RANet are trained.

Folder and splits are those of ``imagenet_bs128_224.py``.
"""

_base_ = './imagenet_bs128_224.py'

data_preprocessor = dict(to_onehot=False)  # nothing mixes the classes
batch_augments = None
train_pipeline = [
    dict(type='mmpretrain.LoadImageFromFile'),
    dict(type='mmpretrain.RandomResizedCrop', scale=224, backend='pillow'),
    dict(type='mmpretrain.RandomFlip', prob=0.5, direction='horizontal'),
    dict(type='mmpretrain.PackInputs'),
]
test_pipeline = [
    dict(type='LoadImageFromFile'),  # unscoped for inferencers, as in the base
    dict(type='mmpretrain.ResizeEdge', scale=256, edge='short', backend='pillow'),
    dict(type='mmpretrain.CenterCrop', crop_size=224),
    dict(type='mmpretrain.PackInputs'),
]

_loader = dict(batch_size=64, num_workers=8)

train_dataloader = dict(**_loader, dataset=dict(dataset=dict(pipeline=train_pipeline)))
calibration_dataloader = dict(**_loader, dataset=dict(dataset=dict(pipeline=test_pipeline)))
# Watches the training; the test split is left alone until the end.
val_dataloader = calibration_dataloader
test_dataloader = dict(**_loader, dataset=dict(pipeline=test_pipeline))
