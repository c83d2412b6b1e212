"""RTMDet-tiny on a Dyn-Perceiver of MobileNet-v3 x0.75, COCO, 300 epochs at 640 pixels.

Expected: not known; the paper has RetinaNet only. Not trained by us, for want of the data.

The recipe is RTMDet-tiny's: mosaics of four pictures and mixes of two until epoch 280, then
pictures of different scales. It takes pictures of any size, where the anchors of an SSD hold for
one size only.

It starts from the released ImageNet weights, which are converted once:

    python tools/convert_checkpoint.py official.pth \
        checkpoints/dyn_perceiver_mobilenetv3_0.75_t128.pth \
        --model dyn_perceiver_mobilenetv3_0.75_t128

Then:

    torchrun --nproc_per_node 8 tools/train.py --launcher pytorch --amp \
    configs/detection/dyn_perceiver/rtmdet-tiny_dyn-perceiver-mobilenetv3-0.75_8xb32-300e_coco.py

To start from nothing: ``--cfg-options model.backbone.init_cfg=None``.
"""

_base_ = [
    '../../_base_/models/rtmdet-tiny_dyn-perceiver-mobilenetv3-0.75.py',
    '../../_base_/datasets/coco_detection.py',
    '../../_base_/schedules/adamw_bs256_300e.py',
    '../../_base_/detection_runtime.py',
]

model = dict(
    backbone=dict(
        init_cfg=dict(
            type='Pretrained',
            checkpoint='checkpoints/dyn_perceiver_mobilenetv3_0.75_t128.pth',
            prefix='backbone.',
        ),
    ),
)

_grey = dict(pad_val=dict(img=(114, 114, 114)))
_load = [dict(type='LoadImageFromFile'), _base_.load_boxes]
_crop = [
    dict(type='mmdet.RandomCrop', crop_size=(640, 640)),
    dict(type='mmdet.YOLOXHSVRandomAug'),
    dict(type='mmdet.RandomFlip', prob=0.5),
    dict(type='mmdet.Pad', size=(640, 640), **_grey),
]
_scales = dict(
    type='RandomResize', resize_type='mmdet.Resize', ratio_range=(0.5, 2.0), keep_ratio=True
)
_pack = dict(type='mmdet.PackDetInputs')

mosaic_pipeline = [
    *_load,
    dict(
        type='mmdet.CachedMosaic',
        img_scale=(640, 640),
        pad_val=114.0,
        max_cached_images=20,
        random_pop=False,
    ),
    dict(**_scales, scale=(1280, 1280)),
    *_crop,
    dict(
        type='mmdet.CachedMixUp',
        img_scale=(640, 640),
        ratio_range=(1.0, 1.0),
        max_cached_images=10,
        random_pop=False,
        pad_val=(114, 114, 114),
        prob=0.5,
    ),
    _pack,
]
last_pipeline = [*_load, dict(**_scales, scale=(640, 640)), *_crop, _pack]
test_pipeline = [
    dict(type='LoadImageFromFile'),
    dict(type='mmdet.Resize', scale=(640, 640), keep_ratio=True),
    dict(type='mmdet.Pad', size=(640, 640), **_grey),
    *_base_.pack_with_boxes,
]

train_dataloader = dict(
    batch_size=32,
    num_workers=10,
    batch_sampler=None,
    dataset=dict(dataset=dict(pipeline=mosaic_pipeline)),
)
calibration_dataloader = dict(batch_size=32, dataset=dict(dataset=dict(pipeline=test_pipeline)))
val_dataloader = calibration_dataloader
test_dataloader = dict(batch_size=32, dataset=dict(pipeline=test_pipeline))
# Squares, to which pictures are padded; trained is the third.
test_scales = [(320, 320), (480, 480), (640, 640), (800, 800)]
custom_hooks = [
    *_base_.custom_hooks,
    dict(type='SwitchPipelineHook', epoch=280, pipeline=last_pipeline),
]
default_hooks = dict(checkpoint=dict(interval=10))
