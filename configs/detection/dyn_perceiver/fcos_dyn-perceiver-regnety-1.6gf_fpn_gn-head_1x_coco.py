"""FCOS on a Dyn-Perceiver of RegNet-Y-1.6GF, COCO, 12 epochs.

Expected: not known; the paper has RetinaNet only. Not trained by us, for want of the data.

Learning rates, that of biases being twice as high, are those of mmdet's FCOS.

No ImageNet weights of this size were released: it starts from a run of our ImageNet config, whose
own docstring has the command:

    configs/classification/dyn_perceiver/dyn-perceiver_regnety-1.6gf_8xb128-300e_in1k.py

Then:

    torchrun --nproc_per_node 8 tools/train.py \
        configs/detection/dyn_perceiver/fcos_dyn-perceiver-regnety-1.6gf_fpn_gn-head_1x_coco.py \
        --launcher pytorch --amp

To start from nothing: ``--cfg-options model.backbone.init_cfg=None
model.backbone.frozen_stages=-1 model.backbone.norm_eval=False``.
"""

_base_ = [
    '../../_base_/models/fcos_dyn-perceiver-regnety-1.6gf_fpn_gn-head.py',
    '../../_base_/datasets/coco_detection.py',
    '../../_base_/schedules/sgd_bs16_12e.py',
    '../../_base_/detection_runtime.py',
]

model = dict(
    backbone=dict(
        init_cfg=dict(
            type='Pretrained',
            checkpoint='work_dirs/dyn-perceiver_regnety-1.6gf_8xb128-300e_in1k/epoch_300.pth',
            prefix='backbone.',
        ),
    ),
)
optim_wrapper = dict(
    optimizer=dict(lr=0.01), paramwise_cfg=dict(bias_lr_mult=2.0, bias_decay_mult=0.0)
)
param_scheduler = [
    dict(type='ConstantLR', factor=1 / 3, by_epoch=False, end=500),
    dict(type='MultiStepLR', by_epoch=True, milestones=[8, 11], gamma=0.1),
]
