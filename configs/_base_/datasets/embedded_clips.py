"""The embedded clips of moving digits, 8 frames of 48x48, made on first use.

The class is the direction of a motion: never flip, and never change the order of the frames.
"""

data_preprocessor = dict(
    type='mmaction.ActionDataPreprocessor',
    mean=[127.5, 127.5, 127.5],
    std=[64.0, 64.0, 64.0],
    format_shape='NCHW',
)
_pack = [
    dict(type='mmaction.FormatShape', input_format='NCHW'),
    dict(type='mmaction.PackActionInputs', meta_keys=('img_shape', 'filename')),
]
_train_pipeline = [
    dict(type='OpenVideo'),
    # One frame out of each eighth of the clip, at random.
    dict(type='mmaction.SampleFrames', clip_len=1, frame_interval=1, num_clips=8),
    dict(type='DecodeVideo'),
    dict(type='mmaction.Resize', scale=(-1, 52)),  # the short side
    dict(type='mmaction.RandomCrop', size=48),
    *_pack,
]
_test_pipeline = [
    dict(type='OpenVideo'),
    dict(type='mmaction.SampleFrames', clip_len=1, frame_interval=1, num_clips=8, test_mode=True),
    dict(type='DecodeVideo'),
    dict(type='mmaction.Resize', scale=(-1, 52)),
    dict(type='mmaction.CenterCrop', crop_size=48),
    *_pack,
]

train_dataloader = dict(
    batch_size=32,
    num_workers=0,
    dataset=dict(type='EmbeddedClips', split='train', pipeline=_train_pipeline),
    sampler=dict(type='DefaultSampler', shuffle=True),
    drop_last=True,
)
calibration_dataloader = dict(
    batch_size=64,
    num_workers=0,
    dataset=dict(type='EmbeddedClips', split='calibration', pipeline=_test_pipeline),
    sampler=dict(type='DefaultSampler', shuffle=False),
)
# Watches the training; the test split is left alone until the end.
val_dataloader = calibration_dataloader
test_dataloader = dict(
    batch_size=64,
    num_workers=0,
    dataset=dict(type='EmbeddedClips', split='test', pipeline=_test_pipeline),
    sampler=dict(type='DefaultSampler', shuffle=False),
)
val_evaluator = dict(type='MultiExitAccuracy', topk=(1, 5), mean_class=True)
test_evaluator = val_evaluator
