"""The tiny Dyn-Perceiver's CNN without the latent branch, on the embedded scenes.

Expected on the 300 test scenes: 35.0 mAP (95 % interval 32.5 to 37.0) at 160x160, 0.132 GMACs of
which 0.057 are the backbone's. All else is as beside it; see README.md.

    python tools/train.py \
        configs/detection/embedded_scenes/retinanet_regnety-tiny_fpn_16e_scenes.py
"""

_base_ = [
    '../../_base_/models/retinanet_regnety-tiny_fpn.py',
    '../../_base_/datasets/embedded_scenes.py',
    '../../_base_/schedules/adamw_bs8_16e.py',
    '../../_base_/detection_runtime.py',
]
