"""ImageNet-1k at 224x224 with RandAugment; 50,000 training pictures, the same share of each class,
are held out for calibration.

The folder ``data/imagenet`` has the standard layout, ``train/CLASS/*.JPEG`` and
``val/CLASS/*.JPEG`` (or ``meta/val.txt``), as mmpretrain reads it. The official validation pictures
are the test split: nothing is chosen on them.
"""

data_preprocessor = dict(
    type='mmpretrain.ClsDataPreprocessor',
    num_classes=1000,
    mean=[123.675, 116.28, 103.53],
    std=[58.395, 57.12, 57.375],
    to_rgb=True,
    to_onehot=True,  # mixup and CutMix work on class probabilities
)
_bgr_mean = [103.53, 116.28, 123.675]
_bgr_std = [57.375, 57.12, 58.395]

# For model.train_cfg.augments of the configs: one of them, drawn for every batch.
batch_augments = [
    dict(type='mmpretrain.Mixup', alpha=0.8),
    dict(type='mmpretrain.CutMix', alpha=1.0),
]
train_pipeline = [
    dict(type='mmpretrain.LoadImageFromFile'),
    dict(
        type='mmpretrain.RandomResizedCrop',
        scale=224,
        backend='pillow',
        interpolation='bicubic',
    ),
    dict(type='mmpretrain.RandomFlip', prob=0.5, direction='horizontal'),
    dict(
        type='mmpretrain.RandAugment',
        policies='timm_increasing',
        num_policies=2,
        total_level=10,
        magnitude_level=9,
        magnitude_std=0.5,
        hparams=dict(pad_val=[104, 116, 124], interpolation='bicubic'),
    ),
    # timm, with which the published models were trained, leaves colour jitter out where RandAugment
    # is on, unless told otherwise.
    dict(type='mmpretrain.ColorJitter', brightness=0.4, contrast=0.4, saturation=0.4),
    dict(
        type='mmpretrain.RandomErasing',
        erase_prob=0.25,
        mode='rand',
        min_area_ratio=0.02,
        max_area_ratio=1 / 3,
        fill_color=_bgr_mean,
        fill_std=_bgr_std,
    ),
    dict(type='mmpretrain.PackInputs'),
]
# Unscoped, which default_scope makes mmpretrain's: its inferencers read the picture themselves and
# leave out the loading step, but only by this exact name.
test_pipeline = [
    dict(type='LoadImageFromFile'),
    dict(
        type='mmpretrain.ResizeEdge',
        scale=256,
        edge='short',
        backend='pillow',
        interpolation='bicubic',
    ),
    dict(type='mmpretrain.CenterCrop', crop_size=224),
    dict(type='mmpretrain.PackInputs'),
]

_train = dict(type='mmpretrain.ImageNet', data_root='data/imagenet', split='train')
_held_out = dict(type='HeldOut', size=50_000)
_loader = dict(batch_size=128, num_workers=8)

train_dataloader = dict(
    **_loader,
    dataset=dict(**_held_out, part='rest', dataset=dict(**_train, pipeline=train_pipeline)),
    sampler=dict(type='DefaultSampler', shuffle=True),
    worker_init_fn=dict(type='seed_worker'),
    drop_last=True,
)
calibration_dataloader = dict(
    **_loader,
    dataset=dict(**_held_out, part='held_out', dataset=dict(**_train, pipeline=test_pipeline)),
    sampler=dict(type='DefaultSampler', shuffle=False),
)
# Watches the training; the test split is left alone until the end.
val_dataloader = calibration_dataloader
test_dataloader = dict(
    **_loader,
    dataset=dict(
        type='mmpretrain.ImageNet',
        data_root='data/imagenet',
        split='val',
        pipeline=test_pipeline,
    ),
    sampler=dict(type='DefaultSampler', shuffle=False),
)
val_evaluator = dict(type='MultiExitAccuracy', topk=(1, 5))
test_evaluator = val_evaluator
