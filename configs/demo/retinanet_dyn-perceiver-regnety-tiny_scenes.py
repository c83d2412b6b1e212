_base_ = [
    '../_base_/models/retinanet_dyn-perceiver-regnety-tiny_fpn.py',
    '../_base_/datasets/embedded_scenes.py',
    '../_base_/schedules/adamw_bs8_16e.py',
    '../_base_/detection_runtime.py',
]

train_cfg = dict(max_epochs=6, val_interval=6)
