"""The embedded scenes of handwritten digits, 128 x 72 to 128 pixels, made on first use.

A scene keeps its size and is padded to a multiple of 32, so that the costs of images differ. A
mirrored digit is another digit, or none: never flip. Scenes are small and quickly read; worker
processes would only take cores from the training.
"""

data_preprocessor = dict(
    type='mmdet.DetDataPreprocessor',
    mean=[127.5, 127.5, 127.5],
    std=[64.0, 64.0, 64.0],
    bgr_to_rgb=True,
    pad_size_divisor=32,
)
_load = dict(type='LoadImageFromFile')
_train_pipeline = [
    _load,
    dict(type='mmdet.LoadAnnotations', with_bbox=True),
    dict(
        type='RandomResize',
        resize_type='mmdet.Resize',
        scale=(128, 128),
        ratio_range=(0.8, 1.2),
        keep_ratio=True,
    ),
    dict(type='mmdet.RandomCrop', crop_size=(128, 128), allow_negative_crop=False),
    dict(type='mmdet.PackDetInputs'),
]
_test_pipeline = [
    _load,
    dict(type='mmdet.Resize', scale=(128, 128), keep_ratio=True),
    dict(type='mmdet.LoadAnnotations', with_bbox=True),
    dict(
        type='mmdet.PackDetInputs',
        # With the boxes, which the evaluator takes from here.
        meta_keys=('img_id', 'img_path', 'ori_shape', 'img_shape', 'scale_factor', 'instances'),
    ),
]

train_dataloader = dict(
    batch_size=8,
    num_workers=0,
    dataset=dict(type='EmbeddedScenes', split='train', pipeline=_train_pipeline),
    sampler=dict(type='DefaultSampler', shuffle=True),
    drop_last=True,
)
calibration_dataloader = dict(
    batch_size=16,
    num_workers=0,
    dataset=dict(
        type='EmbeddedScenes', split='calibration', pipeline=_test_pipeline, test_mode=True
    ),
    sampler=dict(type='DefaultSampler', shuffle=False),
)
# Watches the training; the test split is left alone until the end.
val_dataloader = calibration_dataloader
test_dataloader = dict(
    batch_size=16,
    num_workers=0,
    dataset=dict(type='EmbeddedScenes', split='test', pipeline=_test_pipeline, test_mode=True),
    sampler=dict(type='DefaultSampler', shuffle=False),
)
val_evaluator = dict(type='mmdet.CocoMetric', metric='bbox')
test_evaluator = val_evaluator
# The operating points of tools/budget_curve.py: (longer, shorter) side that scenes fit into.
test_scales = [(96, 96), (128, 128), (160, 160), (192, 192)]
