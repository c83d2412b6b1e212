"""The embedded handwritten digits, 64x64, made on first use.

The pictures lie in memory and hardly any work is done on them, so that worker processes would only
take cores from the training.
"""

data_preprocessor = dict(
    type='mmpretrain.ClsDataPreprocessor',
    num_classes=10,
    mean=[127.5, 127.5, 127.5],
    std=[64.0, 64.0, 64.0],
    to_rgb=False,  # the pictures are RGB already
)
_train_pipeline = [
    dict(type='mmpretrain.RandomCrop', crop_size=64, padding=4, padding_mode='reflect'),
    dict(type='mmpretrain.PackInputs'),
]
_test_pipeline = [
    # The digits have this size already; pictures given to tools/infer.py may have another.
    dict(type='mmpretrain.ResizeEdge', scale=64),
    dict(type='mmpretrain.CenterCrop', crop_size=64),
    dict(type='mmpretrain.PackInputs'),
]

train_dataloader = dict(
    batch_size=64,
    num_workers=0,
    dataset=dict(type='EmbeddedDigits', split='train', pipeline=_train_pipeline),
    sampler=dict(type='DefaultSampler', shuffle=True),
    drop_last=True,
)
calibration_dataloader = dict(
    batch_size=256,
    num_workers=0,
    dataset=dict(type='EmbeddedDigits', split='calibration', pipeline=_test_pipeline),
    sampler=dict(type='DefaultSampler', shuffle=False),
)
# Watches the training; the test split is left alone until the end.
val_dataloader = calibration_dataloader
test_dataloader = dict(
    batch_size=256,
    num_workers=0,
    dataset=dict(type='EmbeddedDigits', split='test', pipeline=_test_pipeline),
    sampler=dict(type='DefaultSampler', shuffle=False),
)
val_evaluator = dict(type='MultiExitAccuracy', topk=(1, 5))
test_evaluator = val_evaluator
