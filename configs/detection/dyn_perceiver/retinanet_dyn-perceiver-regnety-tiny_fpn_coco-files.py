"""A small RetinaNet on a tiny Dyn-Perceiver, on your own pictures with boxes in COCO format.

With DATA_ROOT/train.json, DATA_ROOT/test.json and the pictures of both in DATA_ROOT/images:

    python tools/check_dataset.py data/boxes/train.json data/boxes/images
    DATA_ROOT=data/boxes python tools/train.py \
        configs/detection/dyn_perceiver/retinanet_dyn-perceiver-regnety-tiny_fpn_coco-files.py

Other names are given so, here those of a Roboflow export:

    TRAIN=train/_annotations.coco.json IMAGES=train \
        TEST=test/_annotations.coco.json TEST_IMAGES=test DATA_ROOT=data/boxes python ...

Or copy this file and write your values into the lines below. The classes are those of the training
json. The longer side of a picture is scaled to SIZE pixels (default 320); larger ones find smaller
things and cost more. Half of the training pictures are mirrored; FLIP=0 mirrors none, for
characters or where left and right are different classes. A tenth of the training pictures is held
out for calibration; where several come from one scene or person, say so with GROUP, a regular
expression for the part of the path that they share. What you set must be set for all commands. A
missing picture or a wrong box stops the run and is named; PROBLEMS=skip leaves such ones out.
"""

import importlib
import os  # mmengine leaves modules out of the config

_base_ = [
    '../../_base_/models/retinanet_dyn-perceiver-regnety-tiny_fpn.py',
    '../../_base_/datasets/boxes.py',
    '../../_base_/schedules/adamw_bs8_16e.py',
    '../../_base_/detection_runtime.py',
]

environment = importlib.import_module('dynp_plugins.environment')
data_root = os.environ.get('DATA_ROOT', 'data/boxes')
train = os.environ.get('TRAIN', 'train.json')
test = os.environ.get('TEST', 'test.json')
images = os.environ.get('IMAGES', 'images')
test_images = os.environ.get('TEST_IMAGES', images)
size = environment.whole_number('SIZE', 320, least=32)
flip = environment.fraction('FLIP', 0.5)
group = os.environ.get('GROUP')
problems = environment.choice('PROBLEMS', ('stop', 'skip'))

# A config can be read without its data; the datasets cannot.
classes = importlib.import_module('dynp_plugins.datasets.coco_format').read_classes(
    os.path.join(data_root, train), missing=('object',)
)
model = dict(bbox_head=dict(num_classes=len(classes)))

# Pillow refuses damaged files that OpenCV would fill up with grey.
load = dict(type='LoadImageFromFile', imdecode_backend='pillow')
train_pipeline = [
    load,
    _base_.load_boxes,
    dict(
        type='RandomResize',
        resize_type='mmdet.Resize',
        scale=(size, size),
        ratio_range=(0.7, 1.3),
        keep_ratio=True,
    ),
    dict(type='mmdet.RandomCrop', crop_size=(size, size), allow_negative_crop=True),
    dict(type='mmdet.RandomFlip', prob=flip),
    dict(type='mmdet.PackDetInputs'),
]
test_pipeline = [
    load,
    dict(type='mmdet.Resize', scale=(size, size), keep_ratio=True),
    *_base_.pack_with_boxes,
]

source = dict(
    type='CocoFiles', data_root=data_root, metainfo=dict(classes=classes), problems=problems
)
train_files = dict(**source, ann_file=train, data_prefix=images)
test_files = dict(**source, ann_file=test, data_prefix=test_images)
held_out = dict(type='HeldOut', size=0.1, group=group)

train_dataloader = dict(
    batch_size=8,
    batch_sampler=dict(drop_last=False),  # however few pictures there are
    dataset=dict(**held_out, part='rest', dataset=dict(**train_files, pipeline=train_pipeline)),
)
calibration_dataloader = dict(
    batch_size=8,
    dataset=dict(
        **held_out,
        part='held_out',
        dataset=dict(**train_files, pipeline=test_pipeline, test_mode=True),
    ),
)
val_dataloader = calibration_dataloader
test_dataloader = dict(
    batch_size=8,
    dataset=dict(**test_files, pipeline=test_pipeline, test_mode=True),
)
val_evaluator = dict(classwise=True)
test_evaluator = val_evaluator
# The operating points of tools/budget_curve.py: (longer, shorter) side that pictures fit into.
test_scales = [(side, side) for side in (size * 3 // 4, size, size * 5 // 4, size * 3 // 2)]

train_cfg = dict(max_epochs=60, val_interval=10)
