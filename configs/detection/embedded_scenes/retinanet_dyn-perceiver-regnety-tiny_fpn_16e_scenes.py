"""A small RetinaNet on a tiny Dyn-Perceiver, on the embedded scenes of digits.

Expected on the 300 test scenes: 38.1 mAP (95 % interval 35.4 to 40.0) at 160x160, 0.159 GMACs of
which 0.084 are the backbone's; other scales and backbones in README.md. Six minutes on an idle CPU
core:

    python tools/train.py \
        configs/detection/embedded_scenes/retinanet_dyn-perceiver-regnety-tiny_fpn_16e_scenes.py
"""

_base_ = [
    '../../_base_/models/retinanet_dyn-perceiver-regnety-tiny_fpn.py',
    '../../_base_/datasets/embedded_scenes.py',
    '../../_base_/schedules/adamw_bs8_16e.py',
    '../../_base_/detection_runtime.py',
]
