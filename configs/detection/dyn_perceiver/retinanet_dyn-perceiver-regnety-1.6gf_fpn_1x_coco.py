"""RetinaNet on a Dyn-Perceiver of RegNet-Y-1.6GF, COCO, 12 epochs.

Expected: 40.2 mAP (small 24.1, medium 43.9, large 53.0), published (arXiv 2306.11248). The
recipe is known in part: README.md. Not trained by us, for want of the data.

Latent tokens and depth are those of the released RegNet-Y-800MF. With them the
backbone costs 37.5 GMACs at 1280 x 800, and 38.0 G with what fvcore counts of normalisation, as the
paper does: it says 38.1 G.

No ImageNet weights of this size were released: it starts from a run of our ImageNet config, whose
own docstring has the command:

    configs/classification/dyn_perceiver/dyn-perceiver_regnety-1.6gf_8xb128-300e_in1k.py

Then:

    torchrun --nproc_per_node 8 tools/train.py \
        configs/detection/dyn_perceiver/retinanet_dyn-perceiver-regnety-1.6gf_fpn_1x_coco.py \
        --launcher pytorch --amp

To start from nothing: ``--cfg-options model.backbone.init_cfg=None
model.backbone.frozen_stages=-1 model.backbone.norm_eval=False``.
"""

_base_ = [
    '../../_base_/models/retinanet_dyn-perceiver-regnety-1.6gf_fpn.py',
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
