"""Thermal clips of seven actions (Nagoya University FIR, 16x16 pixels), 8 frames of 48x48.

The data set packed as clips: DATA_ROOT/videos/*.mp4, DATA_ROOT/{train,test}.txt and classes.txt.
Subjects of the test split are in no other. The calibration split is cut from the training subjects:
whole recordings, because clips of one recording resemble each other.
"""

import os  # mmengine leaves modules out of the config

data_root = os.environ.get('DATA_ROOT', 'data/nagoya_fir_action')

data_preprocessor = dict(
    type='mmaction.ActionDataPreprocessor',
    mean=[127.5, 127.5, 127.5],
    std=[64.0, 64.0, 64.0],
    format_shape='NCHW',
)
_sample = dict(type='mmaction.SampleFrames', clip_len=1, frame_interval=1, num_clips=8)
_resize = dict(type='mmaction.Resize', scale=(48, 48), keep_ratio=False)
_pack = [
    dict(type='mmaction.FormatShape', input_format='NCHW'),
    dict(type='mmaction.PackActionInputs', meta_keys=('img_shape', 'filename')),
]
_train_pipeline = [
    dict(type='OpenVideo'),
    _sample,
    dict(type='DecodeVideo'),
    dict(type='mmaction.RandomResizedCrop', area_range=(0.7, 1.0)),
    _resize,
    dict(type='mmaction.Flip', flip_ratio=0.5),  # none of the actions has a side
    *_pack,
]
_test_pipeline = [
    dict(type='OpenVideo'),
    dict(**_sample, test_mode=True),
    dict(type='DecodeVideo'),
    _resize,
    *_pack,
]
_source = dict(type='VideoFiles', data_root=data_root, data_prefix='videos', classes='classes.txt')
# A recording is a day, a layout of the furniture, and the number of a walk through the room.
_held_out = dict(type='HeldOut', size=0.15, group=r'(\d{8}_p\d+_[a-z]+\d+)_')
_in_order = dict(type='DefaultSampler', shuffle=False)

train_dataloader = dict(
    batch_size=32,
    num_workers=0,
    dataset=dict(
        **_held_out,
        part='rest',
        dataset=dict(**_source, ann_file='train.txt', pipeline=_train_pipeline),
    ),
    sampler=dict(type='DefaultSampler', shuffle=True),
    drop_last=True,
)
calibration_dataloader = dict(
    batch_size=64,
    num_workers=0,
    dataset=dict(
        **_held_out,
        part='held_out',
        dataset=dict(**_source, ann_file='train.txt', pipeline=_test_pipeline, test_mode=True),
    ),
    sampler=_in_order,
)
# Watches the training; the test split is left alone until the end.
val_dataloader = calibration_dataloader
test_dataloader = dict(
    batch_size=64,
    num_workers=0,
    dataset=dict(**_source, ann_file='test.txt', pipeline=_test_pipeline, test_mode=True),
    sampler=_in_order,
)
val_evaluator = dict(type='MultiExitAccuracy', topk=(1, 5), mean_class=True)
test_evaluator = val_evaluator
