"""Blood cells under a microscope (BCCD, MIT licence; 3 classes) in COCO format, at 256 x 192.

DATA_ROOT (default data/bccd) holds images/*.jpg, all of 640 x 480 pixels, and
instances_{train,val,test}.json. The published validation part is the calibration split.
"""

import os  # mmengine leaves modules out of the config

_base_ = './boxes.py'

data_root = os.environ.get('DATA_ROOT', 'data/bccd')
scale = (256, 192)
train_pipeline = [
    dict(type='LoadImageFromFile'),
    _base_.load_boxes,
    dict(
        type='RandomResize',
        resize_type='mmdet.Resize',
        scale=scale,
        ratio_range=(0.8, 1.25),
        keep_ratio=True,
    ),
    dict(type='mmdet.RandomCrop', crop_size=scale, allow_negative_crop=False),
    # Blood has no upright position.
    dict(
        type='mmdet.RandomFlip', prob=[0.25] * 3, direction=['horizontal', 'vertical', 'diagonal']
    ),
    dict(type='mmdet.PackDetInputs'),
]
test_pipeline = [
    dict(type='LoadImageFromFile'),
    dict(type='mmdet.Resize', scale=scale, keep_ratio=True),
    *_base_.pack_with_boxes,
]

_source = dict(type='CocoFiles', data_root=data_root, data_prefix='images')
train_dataloader = dict(
    batch_size=8,
    dataset=dict(**_source, ann_file='instances_train.json', pipeline=train_pipeline),
)
calibration_dataloader = dict(
    batch_size=8,
    dataset=dict(**_source, ann_file='instances_val.json', pipeline=test_pipeline, test_mode=True),
)
val_dataloader = calibration_dataloader
test_dataloader = dict(
    batch_size=8,
    dataset=dict(**_source, ann_file='instances_test.json', pipeline=test_pipeline, test_mode=True),
)
val_evaluator = dict(classwise=True)
test_evaluator = val_evaluator
# The operating points of tools/budget_curve.py: (longer, shorter) side that pictures fit into.
test_scales = [(192, 144), (256, 192), (320, 240), (400, 300)]
