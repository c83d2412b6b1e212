"""Pascal VOC at 1000 x 600, with flips: trained on 2007 and 2012, tested on 2007.

The folder ``data/VOCdevkit`` has ``VOC2007`` and ``VOC2012``, as published (``Annotations``,
``ImageSets/Main``, ``JPEGImages``). A tenth of both trainval lists is the calibration split.
Difficult objects count neither as found nor as missed. Beside VOC's AP50 of 11 points, COCO's
average precision is told, too.
"""

_base_ = './boxes.py'

train_pipeline = [
    dict(type='LoadImageFromFile'),
    _base_.load_boxes,
    dict(type='mmdet.Resize', scale=(1000, 600), keep_ratio=True),
    dict(type='mmdet.RandomFlip', prob=0.5),
    dict(type='mmdet.PackDetInputs'),
]
test_pipeline = [
    dict(type='LoadImageFromFile'),
    dict(type='mmdet.Resize', scale=(1000, 600), keep_ratio=True),
    *_base_.pack_with_boxes,
]

_voc = dict(type='mmdet.VOCDataset', data_root='data/VOCdevkit/')
_2007 = dict(
    **_voc,
    ann_file='VOC2007/ImageSets/Main/trainval.txt',
    data_prefix=dict(sub_data_root='VOC2007/'),
)
_2012 = dict(
    **_voc,
    ann_file='VOC2012/ImageSets/Main/trainval.txt',
    data_prefix=dict(sub_data_root='VOC2012/'),
)
_train = dict(
    filter_cfg=dict(filter_empty_gt=True, min_size=32, bbox_min_size=32), pipeline=train_pipeline
)
_calibration = dict(pipeline=test_pipeline, test_mode=True)
_both = dict(type='mmdet.ConcatDataset', ignore_keys=['dataset_type'])
_rest = dict(type='HeldOut', size=0.1, part='rest')
_held_out = dict(type='HeldOut', size=0.1, part='held_out')

train_dataloader = dict(
    batch_size=2,
    dataset=dict(
        **_both,
        datasets=[
            dict(**_rest, dataset=dict(**_2007, **_train)),
            dict(**_rest, dataset=dict(**_2012, **_train)),
        ],
    ),
)
calibration_dataloader = dict(
    batch_size=2,
    dataset=dict(
        **_both,
        datasets=[
            dict(**_held_out, dataset=dict(**_2007, **_calibration)),
            dict(**_held_out, dataset=dict(**_2012, **_calibration)),
        ],
    ),
)
val_dataloader = calibration_dataloader
test_dataloader = dict(
    batch_size=2,
    dataset=dict(
        **_voc,
        ann_file='VOC2007/ImageSets/Main/test.txt',
        data_prefix=dict(sub_data_root='VOC2007/'),
        pipeline=test_pipeline,
        test_mode=True,
    ),
)
val_evaluator = [
    dict(type='mmdet.VOCMetric', metric='mAP', eval_mode='11points'),
    dict(type='mmdet.CocoMetric', metric='bbox'),
]
test_evaluator = val_evaluator
# The operating points of tools/budget_curve.py: (longer, shorter) side that pictures fit into.
test_scales = [(533, 320), (667, 400), (833, 500), (1000, 600)]
