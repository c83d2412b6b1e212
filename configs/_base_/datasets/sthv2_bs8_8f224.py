"""Something-Something V2, 8 frames of 224x224; a twentieth of the training videos, the same share
of each class, is held out for calibration.

The folder ``data/sthv2`` has what the makers publish: ``videos/ID.webm``, and in ``annotations``
``something-something-v2-train.json``, ``-validation.json`` and ``-labels.json``. The official
validation videos are the test split: nothing is chosen on them (those of the official test split
have no labels). A release that calls its lists ``labels/train.json`` and so on works as well, its
``labels.json`` included: set ``ann_file``.

With the lists that mmaction2 prepares (``path label`` lines) instead, in your copy of a config:

    _lists = dict(ann_format=None, data_prefix='videos')
    train_dataloader = dict(
        dataset=dict(dataset=dict(**_lists, ann_file='sthv2_train_list_videos.txt')))
    calibration_dataloader = train_dataloader
    val_dataloader = calibration_dataloader
    test_dataloader = dict(dataset=dict(**_lists, ann_file='sthv2_val_list_videos.txt'))

Nothing is flipped: many classes are told apart by left and right.
"""

_base_ = './clips_8f224.py'

train_pipeline = [
    dict(type='OpenVideo'),
    _base_.train_sampling,
    dict(type='DecodeVideo'),
    *_base_.train_crop,
    *_base_.packing,
]
test_pipeline = [
    dict(type='OpenVideo'),
    _base_.test_sampling,
    dict(type='DecodeVideo'),
    *_base_.test_crop,
    *_base_.packing,
]

_videos = dict(type='VideoFiles', data_root='data/sthv2', data_prefix='videos', ann_format='sthv2')
_train = dict(**_videos, ann_file='annotations/something-something-v2-train.json')
_held_out = dict(type='HeldOut', size=0.05)

train_dataloader = dict(
    dataset=dict(**_held_out, part='rest', dataset=dict(**_train, pipeline=train_pipeline))
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
        ann_file='annotations/something-something-v2-validation.json',
        pipeline=test_pipeline,
        test_mode=True,
    )
)
