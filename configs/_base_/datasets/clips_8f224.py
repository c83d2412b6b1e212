"""What the data sets of real videos share: one frame out of each eighth of a video, 224x224.

Training crops at several scales. Testing takes the centre crop of one clip: that is what costs are
counted for. Two clips of three full-size crops, as in many published tables, see six times as many
frames of 1.3 times as many pixels (``tools/get_flops.py`` takes the same options and counts them):

    python tools/test.py CONFIG CHECKPOINT --cfg-options \
        test_dataloader.dataset.pipeline.1.twice_sample=True \
        test_dataloader.dataset.pipeline.4.type=mmaction.ThreeCrop \
        test_dataloader.dataset.pipeline.4.crop_size=256

Where frames are read, as of Something-Something V1, no step opens a video, so that the numbers of
the steps are 0 and 3.

A data set makes its pipelines of these pieces and gives its files to the loaders. Other numbers of
frames than 8 are ``num_clips`` here and ``num_segments`` in the model.
"""

data_preprocessor = dict(
    type='mmaction.ActionDataPreprocessor',
    mean=[123.675, 116.28, 103.53],
    std=[58.395, 57.12, 57.375],
    format_shape='NCHW',
)

# In training one frame at random out of each eighth, in testing its middle one.
train_sampling = dict(type='mmaction.SampleFrames', clip_len=1, frame_interval=1, num_clips=8)
test_sampling = dict(train_sampling, test_mode=True)

train_crop = [
    dict(type='mmaction.Resize', scale=(-1, 256)),  # the short side
    dict(
        type='mmaction.MultiScaleCrop',
        input_size=224,
        scales=(1, 0.875, 0.75, 0.66),
        random_crop=False,
        max_wh_scale_gap=1,
        num_fixed_crops=13,
    ),
    dict(type='mmaction.Resize', scale=(224, 224), keep_ratio=False),
]
test_crop = [
    dict(type='mmaction.Resize', scale=(-1, 256)),
    dict(type='mmaction.CenterCrop', crop_size=224),
]
flip = dict(type='mmaction.Flip', flip_ratio=0.5)  # only where left and right make no difference
packing = [
    dict(type='mmaction.FormatShape', input_format='NCHW'),
    dict(type='mmaction.PackActionInputs', meta_keys=('img_shape', 'filename')),
]

train_dataloader = dict(
    batch_size=8,
    num_workers=8,
    sampler=dict(type='DefaultSampler', shuffle=True),
    worker_init_fn=dict(type='seed_worker'),
    drop_last=True,
)
calibration_dataloader = dict(
    batch_size=8,
    num_workers=8,
    sampler=dict(type='DefaultSampler', shuffle=False),
)
# Watches the training; the test split is left alone until the end.
val_dataloader = calibration_dataloader
test_dataloader = calibration_dataloader
val_evaluator = dict(type='MultiExitAccuracy', topk=(1, 5), mean_class=True)
test_evaluator = val_evaluator
