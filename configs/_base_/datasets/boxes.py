"""What splits of pictures with boxes have in common: how they are packed, loaded and judged.

Pictures of like shape come into one batch, so that little is padded. Average precision is that of
COCO, over the pictures of the split: the evaluator takes the boxes from the samples (``instances``)
and not from a file, which may hold pictures of other splits.
"""

data_preprocessor = dict(
    type='mmdet.DetDataPreprocessor',
    mean=[123.675, 116.28, 103.53],
    std=[58.395, 57.12, 57.375],
    bgr_to_rgb=True,
    pad_size_divisor=32,
)
load_boxes = dict(type='mmdet.LoadAnnotations', with_bbox=True)
# Of the test pipelines; behind a resize, so that the boxes stay in pixels of the original.
pack_with_boxes = [
    load_boxes,
    dict(
        type='mmdet.PackDetInputs',
        meta_keys=('img_id', 'img_path', 'ori_shape', 'img_shape', 'scale_factor', 'instances'),
    ),
]

train_dataloader = dict(
    num_workers=2,
    sampler=dict(type='DefaultSampler', shuffle=True),
    batch_sampler=dict(type='LikeShapeBatchSampler', drop_last=True),
    worker_init_fn=dict(type='seed_worker'),
)
calibration_dataloader = dict(
    num_workers=2,
    sampler=dict(type='DefaultSampler', shuffle=False),
)
# Watches the training; the test split is left alone until the end.
val_dataloader = calibration_dataloader
test_dataloader = calibration_dataloader
val_evaluator = dict(type='mmdet.CocoMetric', metric='bbox')
test_evaluator = val_evaluator
