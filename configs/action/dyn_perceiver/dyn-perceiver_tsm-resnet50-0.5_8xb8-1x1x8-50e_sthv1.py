"""Dyn-Perceiver on ResNet-50 x0.5 with temporal shift, 8 frames, Something-Something V1.

Expected: the paper (arXiv 2306.11248) gives accuracies of the family on this data set, of no single
network: README.md. Not trained by us, for want of the data.

Cost of a video, one clip, centre crop, up to exit early / latent / feature / merged: 8.50 / 13.98 /
15.60 / 16.55 GMACs (tools/get_flops.py).

Latent tokens, depth and recipe are those of ResNet-50 x0.375; the settings behind the paper's
curves are not known.

No ImageNet weights of this size were released: it starts from a run of our ImageNet config, whose
own docstring has the command:

    configs/classification/dyn_perceiver/dyn-perceiver_resnet50-0.5_8xb128-300e_in1k.py

Then:

    torchrun --nproc_per_node 8 tools/train.py \
        configs/action/dyn_perceiver/dyn-perceiver_tsm-resnet50-0.5_8xb8-1x1x8-50e_sthv1.py \
        --launcher pytorch --amp

To start from nothing: ``--cfg-options model.backbone.init_cfg=None``.
"""

_base_ = './dyn-perceiver_tsm-resnet50-0.375_8xb8-1x1x8-50e_sthv1.py'

model = dict(
    backbone=dict(
        width=0.5,
        init_cfg=dict(
            checkpoint='work_dirs/dyn-perceiver_resnet50-0.5_8xb128-300e_in1k/epoch_300.pth',
        ),
    ),
    cls_head=dict(in_channels=(256, 512, 1024, 1536)),
)
