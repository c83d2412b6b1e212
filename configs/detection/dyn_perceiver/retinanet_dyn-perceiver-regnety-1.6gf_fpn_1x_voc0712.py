"""RetinaNet on a Dyn-Perceiver of RegNet-Y-1.6GF, Pascal VOC, 12 epochs.

Expected: not known; the paper has no numbers on this data set. Not trained by us, for want of the
data.

The learning rate is half that of COCO and falls once, as in mmdet.

No ImageNet weights of this size were released: it starts from a run of our ImageNet config, whose
own docstring has the command:

    configs/classification/dyn_perceiver/dyn-perceiver_regnety-1.6gf_8xb128-300e_in1k.py

Then:

    torchrun --nproc_per_node 8 tools/train.py \
        configs/detection/dyn_perceiver/retinanet_dyn-perceiver-regnety-1.6gf_fpn_1x_voc0712.py \
        --launcher pytorch --amp

To start from nothing: ``--cfg-options model.backbone.init_cfg=None
model.backbone.frozen_stages=-1 model.backbone.norm_eval=False``.
"""

_base_ = [
    '../../_base_/models/retinanet_dyn-perceiver-regnety-1.6gf_fpn.py',
    '../../_base_/datasets/voc0712.py',
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
    bbox_head=dict(num_classes=20),
)
optim_wrapper = dict(optimizer=dict(lr=0.01))
param_scheduler = [
    dict(type='LinearLR', start_factor=0.001, by_epoch=False, end=500),
    dict(type='MultiStepLR', by_epoch=True, milestones=[9], gamma=0.1),
]
