"""Faster R-CNN on a Dyn-Perceiver of RegNet-Y-1.6GF, COCO, 12 epochs.

Expected: not known; the paper has RetinaNet only. Not trained by us, for want of the data.

No ImageNet weights of this size were released: it starts from a run of our ImageNet config, whose
own docstring has the command:

    configs/classification/dyn_perceiver/dyn-perceiver_regnety-1.6gf_8xb128-300e_in1k.py

Then:

    torchrun --nproc_per_node 8 tools/train.py \
        configs/detection/dyn_perceiver/faster-rcnn_dyn-perceiver-regnety-1.6gf_fpn_1x_coco.py \
        --launcher pytorch --amp

To start from nothing: ``--cfg-options model.backbone.init_cfg=None
model.backbone.frozen_stages=-1 model.backbone.norm_eval=False``.
"""

_base_ = [
    '../../_base_/models/faster-rcnn_dyn-perceiver-regnety-1.6gf_fpn.py',
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
