"""Dyn-Perceiver on ResNet-50 x0.625 with temporal shift, 8 frames, Something-Something V2.

Expected: not known; the paper has no numbers on this data set. Not trained by us, for want of the
data.

Cost of a video, one clip, centre crop, up to exit early / latent / feature / merged: 12.99 / 21.54
/ 24.08 / 25.55 GMACs (tools/get_flops.py).

No ImageNet weights of this size were released: it starts from a run of our ImageNet config, whose
own docstring has the command:

    configs/classification/dyn_perceiver/dyn-perceiver_resnet50-0.625_8xb128-300e_in1k.py

Then:

    torchrun --nproc_per_node 8 tools/train.py \
        configs/action/dyn_perceiver/dyn-perceiver_tsm-resnet50-0.625_8xb8-1x1x8-50e_sthv2.py \
        --launcher pytorch --amp

To start from nothing: ``--cfg-options model.backbone.init_cfg=None``.
"""

_base_ = './dyn-perceiver_tsm-resnet50-0.375_8xb8-1x1x8-50e_sthv2.py'

model = dict(
    backbone=dict(
        width=0.625,
        init_cfg=dict(
            checkpoint='work_dirs/dyn-perceiver_resnet50-0.625_8xb128-300e_in1k/epoch_300.pth',
        ),
    ),
    cls_head=dict(in_channels=(320, 640, 1280, 1920)),
)
