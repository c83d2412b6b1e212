_base_ = [
    '../../_base_/models/retinanet_resnet18-narrow_fpn.py',
    '../../_base_/datasets/bccd.py',
    '../../_base_/schedules/adamw_bs8_16e.py',
    '../../_base_/detection_runtime.py',
]

model = dict(bbox_head=dict(num_classes=3))
train_cfg = dict(max_epochs=40, val_interval=10)
