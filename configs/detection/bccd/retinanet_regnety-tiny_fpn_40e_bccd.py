"""The tiny Dyn-Perceiver's CNN without the latent branch, on pictures of blood cells (BCCD).

Expected on the 72 test pictures: 50.5 mAP (95 % interval 47.8 to 52.4) at 256x192, 0.268 GMACs of
which 0.126 are the backbone's; other scales in README.md. Some ten minutes on an idle CPU core:

    DATA_ROOT=data/bccd python tools/train.py \
        configs/detection/bccd/retinanet_regnety-tiny_fpn_40e_bccd.py
"""

_base_ = [
    '../../_base_/models/retinanet_regnety-tiny_fpn.py',
    '../../_base_/datasets/bccd.py',
    '../../_base_/schedules/adamw_bs8_16e.py',
    '../../_base_/detection_runtime.py',
]

model = dict(bbox_head=dict(num_classes=3))
train_cfg = dict(max_epochs=40, val_interval=10)
