"""HMDB-51, the first of its three splits, 8 frames of 224x224, with flips; about a tenth of the
training videos is held out for calibration.

The folder ``data/hmdb51`` has ``videos/CLASS/*.avi`` and, in ``annotations``, the published
``CLASS_test_split1.txt``, one for each class. For the other splits set ``fold`` in ``ann_format``.
The videos cut out of one film are named alike up to the codes of what is seen, as in
``April_09_brush_hair_u_nm_np1_ba_goo_0.avi``; they are held out together.

With the lists that mmaction2 prepares (``path label`` lines) instead, in your copy of a config:

    train_dataloader = dict(
        dataset=dict(dataset=dict(ann_format=None, ann_file='hmdb51_train_split_1_videos.txt')))
    calibration_dataloader = train_dataloader
    val_dataloader = calibration_dataloader
    test_dataloader = dict(dataset=dict(ann_format=None, ann_file='hmdb51_val_split_1_videos.txt'))
"""

_base_ = './ucf101_bs16_8f224.py'

_lists = dict(data_root='data/hmdb51', ann_file='annotations')
_train = dict(**_lists, ann_format=dict(_delete_=True, name='hmdb51', subset='train'))
_held_out = dict(group=r'(.+?)(?:_[fhlu]_[cn]m_np\d|\.avi$)')

train_dataloader = dict(dataset=dict(**_held_out, dataset=_train))
calibration_dataloader = dict(dataset=dict(**_held_out, dataset=_train))
val_dataloader = calibration_dataloader
test_dataloader = dict(
    dataset=dict(**_lists, ann_format=dict(_delete_=True, name='hmdb51', subset='test'))
)
