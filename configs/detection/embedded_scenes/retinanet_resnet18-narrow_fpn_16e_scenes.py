"""A narrow ResNet-18 whose cost is that of the tiny Dyn-Perceiver, on the embedded scenes.

Expected on the 300 test scenes: 42.6 mAP (95 % interval 39.8 to 44.5) at 160x160, 0.163 GMACs of
which 0.089 are the backbone's. All else is as beside it; see README.md.

    python tools/train.py \
        configs/detection/embedded_scenes/retinanet_resnet18-narrow_fpn_16e_scenes.py
"""

_base_ = [
    '../../_base_/models/retinanet_resnet18-narrow_fpn.py',
    '../../_base_/datasets/embedded_scenes.py',
    '../../_base_/schedules/adamw_bs8_16e.py',
    '../../_base_/detection_runtime.py',
]
