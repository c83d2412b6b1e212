"""UCF-101, the first of its three splits, 8 frames of 224x224, with flips; about a tenth of the
training videos is held out for calibration.

The folder ``data/ucf101`` has ``videos/CLASS/*.avi`` and, in ``annotations``, the published
``classInd.txt``, ``trainlist01.txt`` and ``testlist01.txt``. For the other splits set ``ann_file``
to the lists of theirs, such as ``annotations/trainlist02.txt``. The videos of one group (``g08``)
were cut out of one film or made by one person, so that groups are held out whole.

With the lists that mmaction2 prepares (``path label`` lines) instead, in your copy of a config:

    train_dataloader = dict(
        dataset=dict(dataset=dict(ann_format=None, ann_file='ucf101_train_split_1_videos.txt')))
    calibration_dataloader = train_dataloader
    val_dataloader = calibration_dataloader
    test_dataloader = dict(dataset=dict(ann_format=None, ann_file='ucf101_val_split_1_videos.txt'))
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
    type='VideoFiles', data_root='data/ucf101', data_prefix='videos', ann_format='ucf101'
)
_train = dict(**_videos, ann_file='annotations/trainlist01.txt')
_held_out = dict(type='HeldOut', size=0.1, group=r'(.+_g\d+)_c\d+')

train_dataloader = dict(
    batch_size=16,
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
        ann_file='annotations/testlist01.txt',
        pipeline=test_pipeline,
        test_mode=True,
    )
)
