"""Dyn-Perceiver on ResNet-34 with temporal shift, 8 frames, Something-Something V1.

Expected: the paper (arXiv 2306.11248) gives accuracies of the family on this data set, of no single
network: README.md. Not trained by us, for want of the data.

Cost of a video, one clip, centre crop, up to exit early / latent / feature / merged: 15.02 / 26.36
/ 31.50 / 31.74 GMACs (tools/get_flops.py).

Latent tokens, depth and recipe are those of ResNet-50 x0.375; the settings behind the paper's
curves are not known.

No ImageNet weights of this size were released. The CNN starts from torchvision's, the latent branch
from nothing:

    python tools/convert_checkpoint.py resnet34-b627a593.pth \
        checkpoints/dyn_perceiver_resnet34_feature-branch.pth \
        --model dyn_perceiver_resnet34 --from torchvision

Then:

    torchrun --nproc_per_node 8 tools/train.py \
        configs/action/dyn_perceiver/dyn-perceiver_tsm-resnet34_8xb8-1x1x8-50e_sthv1.py \
        --launcher pytorch --amp

To start from nothing: ``--cfg-options model.backbone.init_cfg=None``.
"""

_base_ = './dyn-perceiver_tsm-resnet50-0.375_8xb8-1x1x8-50e_sthv1.py'

model = dict(
    backbone=dict(
        arch='resnet34',
        width=1.0,
        init_cfg=dict(
            checkpoint='checkpoints/dyn_perceiver_resnet34_feature-branch.pth',
        ),
    ),
    cls_head=dict(in_channels=(128, 256, 512, 768)),
)
