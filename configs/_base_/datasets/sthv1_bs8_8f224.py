"""Something-Something V1, 8 frames of 224x224; a tenth of the training videos, the same share of
each class, is held out for calibration.

The makers publish frames. The folder ``data/sthv1`` has their archive unpacked,
``20bn-something-something-v1/ID/00001.jpg`` and so on, and in ``annotations``
``something-something-v1-train.csv``, ``-validation.csv`` and ``-labels.csv``. The official
validation videos are the test split: nothing is chosen on them (those of the official test split
have no labels). The frames of every folder are counted when a run starts.

With the lists that mmaction2 prepares (``folder frames label`` lines) instead, which need no
counting, in your copy of a config:

    _lists = dict(ann_format=None, data_prefix='rawframes', filename_tmpl='img_{:05}.jpg')
    train_dataloader = dict(
        dataset=dict(dataset=dict(**_lists, ann_file='sthv1_train_list_rawframes.txt')))
    calibration_dataloader = train_dataloader
    val_dataloader = calibration_dataloader
    test_dataloader = dict(dataset=dict(**_lists, ann_file='sthv1_val_list_rawframes.txt'))

Nothing is flipped: many classes are told apart by left and right.
"""

_base_ = './clips_8f224.py'

_pack = [
    dict(type='mmaction.FormatShape', input_format='NCHW'),
    dict(type='mmaction.PackActionInputs', meta_keys=('img_shape', 'frame_dir')),
]
train_pipeline = [
    _base_.train_sampling,
    dict(type='mmaction.RawFrameDecode'),
    *_base_.train_crop,
    *_pack,
]
test_pipeline = [
    _base_.test_sampling,
    dict(type='mmaction.RawFrameDecode'),
    *_base_.test_crop,
    *_pack,
]

_folders = dict(
    type='FrameFolders',
    data_root='data/sthv1',
    data_prefix='20bn-something-something-v1',
    ann_format='sthv1',
)
_train = dict(**_folders, ann_file='annotations/something-something-v1-train.csv')
_held_out = dict(type='HeldOut', size=0.1)

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
        **_folders,
        ann_file='annotations/something-something-v1-validation.csv',
        pipeline=test_pipeline,
        test_mode=True,
    )
)
