"""RetinaNet on a Dyn-Perceiver of RegNet-Y-800MF, COCO, 12 epochs.

Expected: not known; the paper has no numbers of this size. Not trained by us, for want of the data.

It starts from the released ImageNet weights, which are converted once:

    python tools/convert_checkpoint.py official.pth \
        checkpoints/dyn_perceiver_regnety_800mf_t128.pth \
        --model dyn_perceiver_regnety_800mf_t128

Then:

    torchrun --nproc_per_node 8 tools/train.py \
        configs/detection/dyn_perceiver/retinanet_dyn-perceiver-regnety-800mf_fpn_1x_coco.py \
        --launcher pytorch --amp

To start from nothing: ``--cfg-options model.backbone.init_cfg=None
model.backbone.frozen_stages=-1 model.backbone.norm_eval=False``.
"""

_base_ = './retinanet_dyn-perceiver-regnety-1.6gf_fpn_1x_coco.py'

model = dict(
    backbone=dict(
        arch='regnety_800mf',
        init_cfg=dict(checkpoint='checkpoints/dyn_perceiver_regnety_800mf_t128.pth'),
    ),
    neck=dict(in_channels=[144, 320, 784]),
)
