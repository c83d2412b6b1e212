"""COCO 2017 at 1333 x 800, with flips; a thirtieth of the training pictures is held out.

The folder ``data/coco`` has ``train2017/*.jpg``, ``val2017/*.jpg`` and, in ``annotations``,
``instances_train2017.json`` and ``instances_val2017.json``. The validation part, whose boxes are
published, is the test split; of the training part 3,943 pictures, with or without boxes, are the
calibration split. Boxes without width or height, of which it has a few, are left out and logged.
"""

_base_ = './boxes.py'

data_root = 'data/coco/'
train_pipeline = [
    dict(type='LoadImageFromFile'),
    _base_.load_boxes,
    dict(type='mmdet.Resize', scale=(1333, 800), keep_ratio=True),
    dict(type='mmdet.RandomFlip', prob=0.5),
    dict(type='mmdet.PackDetInputs'),
]
test_pipeline = [
    dict(type='LoadImageFromFile'),
    dict(type='mmdet.Resize', scale=(1333, 800), keep_ratio=True),
    *_base_.pack_with_boxes,
]

_source = dict(
    type='CocoFiles',
    data_root=data_root,
    problems='skip',
    pictures='names',  # 123,287 of them: reading all would take minutes, whenever a run starts
)
_train = dict(**_source, ann_file='annotations/instances_train2017.json', data_prefix='train2017/')
_test = dict(**_source, ann_file='annotations/instances_val2017.json', data_prefix='val2017/')
_held_out = dict(type='HeldOut', size=1 / 30)

train_dataloader = dict(
    batch_size=2,
    dataset=dict(
        **_held_out,
        part='rest',
        dataset=dict(
            **_train,
            filter_cfg=dict(filter_empty_gt=True, min_size=32),
            pipeline=train_pipeline,
        ),
    ),
)
calibration_dataloader = dict(
    batch_size=2,
    dataset=dict(
        **_held_out,
        part='held_out',
        dataset=dict(**_train, pipeline=test_pipeline, test_mode=True),
    ),
)
val_dataloader = calibration_dataloader
test_dataloader = dict(
    batch_size=2,
    dataset=dict(**_test, pipeline=test_pipeline, test_mode=True),
)
# As published: by the file, whose areas are those of the masks.
test_evaluator = dict(ann_file=data_root + 'annotations/instances_val2017.json')
# The operating points of tools/budget_curve.py: (longer, shorter) side that pictures fit into.
test_scales = [(533, 320), (667, 400), (800, 480), (1000, 600), (1333, 800)]
