"""RetinaNet on a plain RegNet-Y-1.6GF, COCO, 12 epochs.

Expected: 38.5 mAP, published (arXiv 2306.11248). Not trained by us, for want of the data.

All else is as with the latent branch; this is what it is compared with. Initial weights are
torchvision's:

    python tools/convert_checkpoint.py regnet_y_1_6gf-0d7bc02a.pth \
        checkpoints/dyn_perceiver_regnety_1.6gf_feature-branch.pth \
        --model dyn_perceiver_regnety_1.6gf --from torchvision

Any checkpoint of the same Dyn-Perceiver will do as well: its CNN is taken, and the rest left. Then:

    torchrun --nproc_per_node 8 tools/train.py \
        configs/detection/static/retinanet_regnety-1.6gf_fpn_1x_coco.py \
        --launcher pytorch --amp

To start from nothing: ``--cfg-options model.backbone.init_cfg=None
model.backbone.frozen_stages=-1 model.backbone.norm_eval=False``.
"""

_base_ = '../dyn_perceiver/retinanet_dyn-perceiver-regnety-1.6gf_fpn_1x_coco.py'

model = dict(
    backbone=dict(
        with_latent=False,
        init_cfg=dict(checkpoint='checkpoints/dyn_perceiver_regnety_1.6gf_feature-branch.pth'),
    ),
)
