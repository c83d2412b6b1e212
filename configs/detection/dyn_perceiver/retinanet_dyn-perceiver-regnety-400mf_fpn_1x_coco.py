"""RetinaNet on a Dyn-Perceiver of RegNet-Y-400MF, COCO, 12 epochs.

Expected: not known; the paper has no numbers of this size. Not trained by us, for want of the data.

No ImageNet weights of this size were released: it starts from a run of our ImageNet config, whose
own docstring has the command:

    configs/classification/dyn_perceiver/dyn-perceiver_regnety-400mf_8xb128-300e_in1k.py

Then:

    torchrun --nproc_per_node 8 tools/train.py \
        configs/detection/dyn_perceiver/retinanet_dyn-perceiver-regnety-400mf_fpn_1x_coco.py \
        --launcher pytorch --amp

To start from nothing: ``--cfg-options model.backbone.init_cfg=None
model.backbone.frozen_stages=-1 model.backbone.norm_eval=False``.
"""

_base_ = './retinanet_dyn-perceiver-regnety-1.6gf_fpn_1x_coco.py'

model = dict(
    backbone=dict(
        arch='regnety_400mf',
        depth_factor=(1, 1, 1, 1),
        init_cfg=dict(
            checkpoint='work_dirs/dyn-perceiver_regnety-400mf_8xb128-300e_in1k/epoch_300.pth',
        ),
    ),
    neck=dict(in_channels=[104, 208, 440]),
)
