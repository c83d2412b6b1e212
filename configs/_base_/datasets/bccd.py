"""Blood cells under a microscope (BCCD, MIT licence; 3 classes) in COCO format, at 320x240.

DATA_ROOT (default data/bccd) holds images/*.jpg, all of 640x480, and
instances_{train,val,test}.json. The published validation part is the calibration split.
"""

import os  # mmengine leaves modules out of the config

data_root = os.environ.get('DATA_ROOT', 'data/bccd')

data_preprocessor = dict(
    type='mmdet.DetDataPreprocessor',
    mean=[123.675, 116.28, 103.53],
    std=[58.395, 57.12, 57.375],
    bgr_to_rgb=True,
    pad_size_divisor=32,
)
_scale = (320, 240)
_load = dict(type='LoadImageFromFile')
_train_pipeline = [
    _load,
    dict(type='mmdet.LoadAnnotations', with_bbox=True),
    dict(
        type='RandomResize',
        resize_type='mmdet.Resize',
        scale=_scale,
        ratio_range=(0.8, 1.25),
        keep_ratio=True,
    ),
    dict(type='mmdet.RandomCrop', crop_size=_scale, allow_negative_crop=False),
    # Cells have no upright position.
    dict(
        type='mmdet.RandomFlip', prob=[0.25] * 3, direction=['horizontal', 'vertical', 'diagonal']
    ),
    dict(type='mmdet.PackDetInputs'),
]
_test_pipeline = [
    _load,
    dict(type='mmdet.Resize', scale=_scale, keep_ratio=True),
    dict(type='mmdet.LoadAnnotations', with_bbox=True),
    dict(
        type='mmdet.PackDetInputs',
        # With the boxes, which the evaluator takes from here.
        meta_keys=('img_id', 'img_path', 'ori_shape', 'img_shape', 'scale_factor', 'instances'),
    ),
]
_source = dict(type='CocoFiles', data_root=data_root, data_prefix=dict(img='images'))

train_dataloader = dict(
    batch_size=8,
    num_workers=2,
    dataset=dict(**_source, ann_file='instances_train.json', pipeline=_train_pipeline),
    sampler=dict(type='DefaultSampler', shuffle=True),
    worker_init_fn=dict(type='seed_worker'),
    drop_last=True,
)
calibration_dataloader = dict(
    batch_size=8,
    num_workers=2,
    dataset=dict(**_source, ann_file='instances_val.json', pipeline=_test_pipeline, test_mode=True),
    sampler=dict(type='DefaultSampler', shuffle=False),
)
# Watches the training; the test split is left alone until the end.
val_dataloader = calibration_dataloader
test_dataloader = dict(
    batch_size=8,
    num_workers=2,
    dataset=dict(
        **_source, ann_file='instances_test.json', pipeline=_test_pipeline, test_mode=True
    ),
    sampler=dict(type='DefaultSampler', shuffle=False),
)
val_evaluator = dict(type='mmdet.CocoMetric', metric='bbox', classwise=True)
test_evaluator = val_evaluator
# The operating points of tools/budget_curve.py: (longer, shorter) side that pictures fit into.
test_scales = [(224, 168), (320, 240), (400, 300), (480, 360)]
