"""The embedded scenes of handwritten digits, 128 x 72 to 128 pixels, made on first use.

A scene keeps its size and is padded to a multiple of 32, so that the costs of images differ. A
mirrored digit is another one, or none: never flip. Scenes are small and quickly read; worker
processes would only take cores from the training.
"""

_base_ = './boxes.py'

data_preprocessor = dict(mean=[127.5, 127.5, 127.5], std=[64.0, 64.0, 64.0])
train_pipeline = [
    dict(type='LoadImageFromFile'),
    _base_.load_boxes,
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
test_pipeline = [
    dict(type='LoadImageFromFile'),
    dict(type='mmdet.Resize', scale=(128, 128), keep_ratio=True),
    *_base_.pack_with_boxes,
]

train_dataloader = dict(
    batch_size=8,
    num_workers=0,
    dataset=dict(type='EmbeddedScenes', split='train', pipeline=train_pipeline),
)
calibration_dataloader = dict(
    batch_size=16,
    num_workers=0,
    dataset=dict(
        type='EmbeddedScenes', split='calibration', pipeline=test_pipeline, test_mode=True
    ),
)
val_dataloader = calibration_dataloader
test_dataloader = dict(
    batch_size=16,
    num_workers=0,
    dataset=dict(type='EmbeddedScenes', split='test', pipeline=test_pipeline, test_mode=True),
)
# The operating points of tools/budget_curve.py: (longer, shorter) side that scenes fit into.
test_scales = [(96, 96), (128, 128), (160, 160), (192, 192)]
