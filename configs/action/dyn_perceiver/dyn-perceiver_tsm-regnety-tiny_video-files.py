"""A small Dyn-Perceiver with temporal shift on your own videos, 8 frames of 96x96.

With one folder per class, DATA_ROOT/train/CLASS/*.mp4 and DATA_ROOT/test/CLASS/*.mp4:

    DATA_ROOT=data/videos NUM_CLASSES=6 python tools/train.py \
        configs/action/dyn_perceiver/dyn-perceiver_tsm-regnety-tiny_video-files.py

With lists of ``path label`` lines instead (paths below DATA_ROOT/videos, labels from 0):

    DATA_ROOT=data NUM_CLASSES=6 VIDEOS=videos TRAIN=train.txt TEST=test.txt python ...

Or copy this file and write your values into the lines below. FLIP=0.5 mirrors half of the training
videos; leave it out where left and right are different classes. A tenth of the training videos is
held out for calibration; where several videos come from one recording or person, say so with GROUP,
a regular expression for the part of the path that they share. What you set must be set for all
commands. A video that cannot be read stops the run and is named; UNREADABLE=skip leaves such videos
out.
"""

import importlib
import os  # mmengine leaves modules out of the config

_base_ = [
    '../../_base_/models/dyn-perceiver_regnety-tiny_8f48.py',
    '../../_base_/schedules/adamw_bs32_24e.py',
    '../../_base_/action_runtime.py',
]

environment = importlib.import_module('dynp_plugins.environment')
data_root = os.environ.get('DATA_ROOT', 'data/videos')
num_classes = environment.whole_number('NUM_CLASSES', 2, least=2)
unreadable = environment.choice('UNREADABLE', ('stop', 'skip', 'skip_missing'))
flip = environment.fraction('FLIP', 0.0)
group = os.environ.get('GROUP')
videos = os.environ.get('VIDEOS', '.')
train = os.environ.get('TRAIN', 'train')
test = os.environ.get('TEST', 'test')

lists = train.endswith('.txt')
train_files = dict(data_prefix=videos, ann_file=train) if lists else dict(data_prefix=train)
test_files = dict(data_prefix=videos, ann_file=test) if lists else dict(data_prefix=test)

model = dict(backbone=dict(latent_grid=4), cls_head=dict(num_classes=num_classes))
data_preprocessor = dict(
    type='mmaction.ActionDataPreprocessor',
    mean=[123.675, 116.28, 103.53],
    std=[58.395, 57.12, 57.375],
    format_shape='NCHW',
)

sample = dict(type='mmaction.SampleFrames', clip_len=1, frame_interval=1, num_clips=8)
pack = [
    dict(type='mmaction.FormatShape', input_format='NCHW'),
    dict(type='mmaction.PackActionInputs', meta_keys=('img_shape', 'filename')),
]
train_pipeline = [
    dict(type='OpenVideo'),
    sample,
    dict(type='DecodeVideo'),
    dict(type='mmaction.Resize', scale=(-1, 112)),
    dict(type='mmaction.RandomResizedCrop', area_range=(0.5, 1.0)),
    dict(type='mmaction.Resize', scale=(96, 96), keep_ratio=False),
    dict(type='mmaction.Flip', flip_ratio=flip),
    *pack,
]
test_pipeline = [
    dict(type='OpenVideo'),
    dict(**sample, test_mode=True),
    dict(type='DecodeVideo'),
    dict(type='mmaction.Resize', scale=(-1, 112)),
    dict(type='mmaction.CenterCrop', crop_size=96),
    *pack,
]

source = dict(type='VideoFiles', data_root=data_root, unreadable=unreadable)
held_out = dict(type='HeldOut', size=0.1, group=group)
in_order = dict(type='DefaultSampler', shuffle=False)

train_dataloader = dict(
    batch_size=32,
    num_workers=2,
    dataset=dict(
        **held_out,
        part='rest',
        dataset=dict(**source, **train_files, pipeline=train_pipeline),
    ),
    sampler=dict(type='DefaultSampler', shuffle=True),
    worker_init_fn=dict(type='seed_worker'),
    drop_last=True,
)
calibration_dataloader = dict(
    batch_size=32,
    num_workers=2,
    dataset=dict(
        **held_out,
        part='held_out',
        dataset=dict(**source, **train_files, pipeline=test_pipeline, test_mode=True),
    ),
    sampler=in_order,
)
# Watches the training; the test split is left alone until the end.
val_dataloader = calibration_dataloader
test_dataloader = dict(
    batch_size=32,
    num_workers=2,
    dataset=dict(**source, **test_files, pipeline=test_pipeline, test_mode=True),
    sampler=in_order,
)
val_evaluator = dict(type='MultiExitAccuracy', topk=(1,), mean_class=True)
test_evaluator = val_evaluator

# In epochs, because nobody knows how many iterations your videos make.
param_scheduler = [
    dict(type='LinearLR', start_factor=0.01, by_epoch=True, end=3, convert_to_iter_based=True),
    dict(type='CosineAnnealingLR', eta_min=1e-6, by_epoch=True, convert_to_iter_based=True),
]
