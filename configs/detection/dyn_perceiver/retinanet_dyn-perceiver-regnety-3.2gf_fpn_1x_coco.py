"""RetinaNet on a Dyn-Perceiver of RegNet-Y-3.2GF, COCO, 12 epochs.

Expected: not known; the paper has no numbers of this size. Not trained by us, for want of the data.

No ImageNet weights of this size were released: it starts from a run of our ImageNet config, whose
own docstring has the command:

    configs/classification/dyn_perceiver/dyn-perceiver_regnety-3.2gf_8xb128-300e_in1k.py

Then:

    torchrun --nproc_per_node 8 tools/train.py \
        configs/detection/dyn_perceiver/retinanet_dyn-perceiver-regnety-3.2gf_fpn_1x_coco.py \
        --launcher pytorch --amp

To start from nothing: ``--cfg-options model.backbone.init_cfg=None
model.backbone.frozen_stages=-1 model.backbone.norm_eval=False``.
"""

_base_ = './retinanet_dyn-perceiver-regnety-1.6gf_fpn_1x_coco.py'

model = dict(
    backbone=dict(
        arch='regnety_3.2gf',
        init_cfg=dict(
            checkpoint='work_dirs/dyn-perceiver_regnety-3.2gf_8xb128-300e_in1k/epoch_300.pth',
        ),
    ),
    neck=dict(in_channels=[216, 576, 1512]),
)
