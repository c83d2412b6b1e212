"""Kinetics-400, 8 frames of 224x224, with flips; a twentieth of the training videos, the same share
of each class, is held out for calibration.

The folder ``data/kinetics400`` has ``videos_train`` and ``videos_val`` with a folder per class and
files named ``ID_START_END.mp4`` (seconds in six digits), and the published lists as
``annotations/kinetics_train.csv`` and ``kinetics_val.csv``. Videos that are in the lists only, as
many have left YouTube, are logged and left out. The official validation videos are the test split:
nothing is chosen on them.

With the lists that mmaction2 prepares (``path label`` lines) instead, in your copy of a config:

    train_dataloader = dict(
        dataset=dict(dataset=dict(ann_format=None, ann_file='kinetics400_train_list_videos.txt')))
    calibration_dataloader = train_dataloader
    val_dataloader = calibration_dataloader
    test_dataloader = dict(
        dataset=dict(ann_format=None, ann_file='kinetics400_val_list_videos.txt'))
"""

_base_ = './clips_8f224.py'

train_pipeline = [
    dict(type='OpenVideo'),
    _base_.train_sampling,
    dict(type='DecodeVideo'),
    *_base_.train_crop,
    _base_.flip,
    *_base_.packing,
]
test_pipeline = [
    dict(type='OpenVideo'),
    _base_.test_sampling,
    dict(type='DecodeVideo'),
    *_base_.test_crop,
    *_base_.packing,
]

_videos = dict(
    type='VideoFiles',
    data_root='data/kinetics400',
    ann_format='kinetics',
    unreadable='skip_missing',
)
_train = dict(**_videos, data_prefix='videos_train', ann_file='annotations/kinetics_train.csv')
_held_out = dict(type='HeldOut', size=0.05)

train_dataloader = dict(
    batch_size=32,
    dataset=dict(**_held_out, part='rest', dataset=dict(**_train, pipeline=train_pipeline)),
)
calibration_dataloader = dict(
    dataset=dict(
        **_held_out,
        part='held_out',
        dataset=dict(**_train, pipeline=test_pipeline, test_mode=True),
    )
)
val_dataloader = calibration_dataloader
test_dataloader = dict(
    dataset=dict(
        **_videos,
        data_prefix='videos_val',
        ann_file='annotations/kinetics_val.csv',
        pipeline=test_pipeline,
        test_mode=True,
    )
)
