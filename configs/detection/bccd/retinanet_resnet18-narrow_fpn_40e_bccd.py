"""A narrow ResNet-18 whose cost is that of the tiny Dyn-Perceiver, on blood cells (BCCD).

Expected on the 72 test pictures: 50.1 mAP (95 % interval 47.3 to 52.4) at 256x192, 0.338 GMACs of
which 0.198 are the backbone's; other scales in README.md. Some ten minutes on an idle CPU core:

    DATA_ROOT=data/bccd python tools/train.py \
        configs/detection/bccd/retinanet_resnet18-narrow_fpn_40e_bccd.py
"""

_base_ = [
    '../../_base_/models/retinanet_resnet18-narrow_fpn.py',
    '../../_base_/datasets/bccd.py',
    '../../_base_/schedules/adamw_bs8_16e.py',
    '../../_base_/detection_runtime.py',
]

model = dict(bbox_head=dict(num_classes=3))
train_cfg = dict(max_epochs=40, val_interval=10)
