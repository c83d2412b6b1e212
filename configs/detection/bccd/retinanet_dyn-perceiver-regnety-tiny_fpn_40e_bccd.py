"""A small RetinaNet on a tiny Dyn-Perceiver, on pictures of blood cells (BCCD).

Expected on the 72 test pictures: 51.5 mAP (95 % interval 48.6 to 53.6) at 256x192, 0.328 GMACs of
which 0.185 are the backbone's; other scales in README.md. Some ten minutes on an idle CPU core:

    DATA_ROOT=data/bccd python tools/train.py \
        configs/detection/bccd/retinanet_dyn-perceiver-regnety-tiny_fpn_40e_bccd.py
"""

_base_ = [
    '../../_base_/models/retinanet_dyn-perceiver-regnety-tiny_fpn.py',
    '../../_base_/datasets/bccd.py',
    '../../_base_/schedules/adamw_bs8_16e.py',
    '../../_base_/detection_runtime.py',
]

model = dict(bbox_head=dict(num_classes=3))
train_cfg = dict(max_epochs=40, val_interval=10)
